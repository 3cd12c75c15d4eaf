"""Classes by name."""

import difflib

from actioncnn.errors import UserError


def find_label(name, classes):
    """The label of the class `name`: the exact name comes first, then the same name in another case. None: no class."""
    exact = [label for label, each in enumerate(classes) if each == name]
    alike = [label for label, each in enumerate(classes) if each.casefold() == name.casefold()]
    return next(iter(exact + alike), None)


def label_of(name, classes, option):
    """The label that a user names by `option`: the name of a class, or else its number.

    UserError: there is no such class; near matches are named.
    """
    label = find_label(name, classes)
    if label is not None:
        return label
    if name in (numbers := list(map(str, range(len(classes))))):
        return numbers.index(name)
    near = difflib.get_close_matches(name, classes, 3, 0.4) or classes[:3]
    raise UserError(f"{option} {name}: is no class of the model; it has {len(classes)}, as {', '.join(near)}")
