"""The lines in which the parameters of a device's commands stand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from robotq.config.strict_yaml import KeyPath
from robotq.drivers.params import Param, ParamReader
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.shapes import Kind, Shape
from robotq.steps.templates import Template, read_template


class LineParams(ParamReader):
    """Parameters whose values stand in lines."""

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
