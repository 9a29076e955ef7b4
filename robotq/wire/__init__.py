"""The shapes of what the interfaces answer, each said once: the server fills and documents them,
the client reads them.

A text below a field is its description in OpenAPI and in the reference. What a field can be left
out for, and what a reader takes then, is said by its default:

- none: it is always there, and an answer without it is none;
- `missing(...)`: it is always there too, but an older daemon may not know it;
- any other: it is left out where it has this value.

A reader passes over what it does not know. Words are plain text, so that a newer daemon can say
one that an older client does not know; `one_of` and `like` name them for the docs.
"""
