"""What is on a path in a JSON document.

Rule: bounded, whatever the document is: a walk looks at MAX_VISITED values, over however many
paths, and then at no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.decode.payload import Refused
from agent.settings.selectors import Step

MAX_VISITED = 1 << 18
"""Values of the documents of one exchange that its route's rules look at together."""

Steps = tuple[Step, ...]
_NONE: list[object] = []


class TooMany(Exception):
    """A walk that came to its end."""


class Walk:
    """Along paths, one after another."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_VISITED

    def along(self, document: object, steps: Steps) -> list[object]:
        """All values there; of `..` each before what is in it. Raises TooMany."""
        node = document
        for at, (key, deep) in enumerate(steps):
            if deep or key is None:
                return self._spread([node], steps[at:])
            if isinstance(key, str):
                if type(node) is not dict or key not in node:
                    return []
                node = node[key]
            elif type(node) is list and key < len(node):
                node = node[key]
            else:
                return []
        return [node]

    def _spread(self, nodes: list[object], steps: Steps) -> list[object]:
        """From several places at once."""
        for step in steps:
            nodes = self._stepped(nodes, step)
        return nodes

    def remove(self, document: object, steps: Steps) -> None:
        """Takes out of a document what is there; the path's end is no number. Raises TooMany."""
        last = steps[-1]
        nodes = self.along(document, steps[:-1])
        for node in self._below(nodes) if last.deep else nodes:
            if type(node) is dict:
                if last.key is None:
                    node.clear()
                else:
                    node.pop(last.key, None)
            elif type(node) is list and last.key is None:
                node.clear()

    def _stepped(self, nodes: list[object], step: Step) -> list[object]:
        if step.deep:
            nodes = self._below(nodes)
        self._visit(len(nodes))
        key = step.key
        if isinstance(key, str):
            return [node[key] for node in nodes if type(node) is dict and key in node]
        if key is not None:
            return [node[key] for node in nodes if type(node) is list and key < len(node)]
        found: list[object] = []
        for node in nodes:
            children = _children(node)
            self._visit(len(children))
            found += children
        return found

    def _below(self, nodes: list[object]) -> list[object]:
        """These, and all that is in them."""
        found: list[object] = []
        waiting = nodes[::-1]
        while waiting:
            node = waiting.pop()
            found.append(node)
            children = _children(node)
            if children:
                self._visit(len(children))
                waiting += children[::-1]
        return found

    def _visit(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooMany


def _children(node: object) -> list[object]:
    if type(node) is dict:
        return list(node.values())
    return node if type(node) is list else _NONE


def remove(document: object, paths: Sequence[Steps]) -> None:
    """Takes what is on these paths out of a document. Raises Refused("too_large")."""
    walk = Walk()
    try:
        for steps in paths:
            walk.remove(document, steps)
    except TooMany:
        raise Refused("too_large", "the paths to ignore lead to too many places") from None
