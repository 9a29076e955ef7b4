"""Reads the parameters of a device's commands, and the lines in which they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from robotq.config.line_device import LineDevice, LineParam
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.line.pieces import Pieces
from robotq.drivers.line.ready import Param
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.shapes import Kind, Shape
from robotq.steps.templates import Template, read_template


class ParamReader:
    def __init__(self, device: LineDevice, pieces: Pieces, values: Mapping[str, Shape]) -> None:
        """`pieces` keeps the faults; `values`: the constants of the device."""
        self._device = device
        self._pieces = pieces
        self._values = values
        self.names: set[str] = set()
        """Of every parameter that was read."""

    def param(self, name: str, param: LineParam, at: KeyPath) -> Param:
        """A parameter, within the limits of the device."""
        self._pieces.name(name, at)
        self.names.add(name)
        limits = self._device.limits.get(name)
        least = self._bound(param.min, -math.inf, (*at, "min"))
        most = self._bound(param.max, math.inf, (*at, "max"))
        if limits is not None:
            least = max(least, -math.inf if limits.min is None else limits.min)
            most = min(most, math.inf if limits.max is None else limits.max)
        if least > most:
            self._pieces.fault(at, f"nothing is allowed: at least {least:g}, at most {most:g}")
        if param.type == "text":
            if not param.one_of and param.pattern is None:
                self._pieces.fault(at, "a text needs one_of or pattern, to stand in a line")
            if math.isfinite(least) or math.isfinite(most):
                self._pieces.fault(at, "a text has no min and max")
        read = Param(
            type=param.type,
            least=least,
            most=most,
            one_of=tuple(param.one_of),
            pattern=self._pieces.optional(param.pattern, (*at, "pattern")),
            default=param.default,
            title=param.title,
        )
        if param.default is not None and (reason := read.why_not(param.default)) is not None:
            self._pieces.fault((*at, "default"), reason)
        return read

    def _bound(self, bound: float | str | None, none: float, at: KeyPath) -> float:
        if bound is None:
            return none
        if isinstance(bound, int | float):
            return float(bound)
        expression = self._pieces.expression(bound, at, self._values)
        try:
            value = expression.value({"values": self._device.values})
        except ExpressionError as error:
            self._pieces.fault(at, str(error))
            return none
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._pieces.fault(at, f"found {value!r}, expected a number")
            return none
        return float(value)

    def listed(self) -> str:
        """All parameters, for the text of a fault."""
        return f"; there are {', '.join(sorted(self.names))}" if self.names else ""

    def line(
        self,
        text: str | None,
        at: KeyPath,
        names: Mapping[str, Shape],
        params: Mapping[str, Param],
    ) -> Template:
        """A line to be sent: what is filled in cannot be any text, nor a number out of bounds."""
        if text is None:
            self._pieces.fault(at, "is missing")
            return Template("", ())
        try:
            template = read_template(text, names)
            for part in template.parts:
                if part.expression is not None:
                    self._fits(part.expression, part.decimals, names, params)
        except ExpressionError as error:
            self._pieces.fault(at, str(error))
            return Template("", ())
        return template

    def _fits(
        self,
        expression: Expression,
        decimals: int | None,
        names: Mapping[str, Shape],
        params: Mapping[str, Param],
    ) -> None:
        param = params.get(expression.text.removeprefix("params."))
        if param is None or not expression.text.startswith("params."):
            if expression.shape(names).kind is Kind.OTHER and expression.text not in names:
                raise ExpressionError(f"{{{expression.text}}} may be any text")
            return
        for bound in (param.least, param.most):
            if decimals is not None and math.isfinite(bound):
                sent = float(f"{bound:.{decimals}f}")
                if not param.least <= sent <= param.most:
                    raise ExpressionError(
                        f"{{{expression.text}:.{decimals}f}} makes {bound:g} to {sent:g}, which "
                        "is not allowed: give it more decimals, or another bound"
                    )
