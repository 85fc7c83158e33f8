"""Finding things by id, by name and by label: what all functions of the provider have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json

CloudFunction = Callable[[Api, Properties], Properties]


@dataclass(frozen=True)
class Kind:
    """One kind of thing: where the API lists it, and how a function shows one."""

    word: str
    """What ``get`` is followed by: ``Server`` gives getServer and getServers."""
    path: str
    key: str
    """The API's name of one in an answer: ``server``."""
    show: Callable[[Json], Properties]
    by: Mapping[str, str] = field(default_factory=dict)
    """Other arguments that find one, and their names in the API's query."""

    def functions(self) -> dict[str, CloudFunction]:
        """The functions by token."""
        return {_token(self.word): self.one, _token(self.word + "s"): self.many}

    def one(self, api: Api, args: Properties) -> Properties:
        """The one thing that the arguments name; raises ProviderError when there is none, or not just one."""
        thing = self._find(api, args)
        return args | self.show(thing) | {"id": thing["id"]}

    def many(self, api: Api, args: Properties) -> Properties:
        """All things that the arguments let through; the newest first if they ask for it."""
        things = api.list(self.path, **self._query(args))
        if args.get("mostRecent"):
            things.sort(key=lambda thing: str(thing["created"]), reverse=True)
        shown = [self.show(thing) | {"id": thing["id"]} for thing in things]
        listed = self.word[0].lower() + self.word[1:] + "s"
        digest = hashlib.sha1("-".join(str(thing["id"]) for thing in things).encode()).hexdigest()
        return args | {listed: shown, "id": digest}

    def _find(self, api: Api, args: Properties) -> Json:
        what = self.key.replace("_", " ")
        if id := args.get("id"):
            found = api.find(f"{self.path}/{id}", self.key)
            if found is None:
                raise ProviderError(f"no {what} found with id {id}")
            return found
        names = {"name": "name", **self.by}
        for argument, query in names.items():
            if value := args.get(argument):
                listed = api.list(self.path, **{query: value}, **self._query(args))
                return self._single(listed, f"{argument} {value}", args)
        if selector := args.get("withSelector") or args.get("selector"):
            return self._single(api.list(self.path, **self._query(args)), f"selector {selector!r}", args)
        ways = ", ".join(["an id", "a name", *(f"{name}" for name in self.by), "a selector"])
        raise ProviderError(f"please specify {ways} to lookup the {what}")

    def _single(self, things: list[Json], how: str, args: Properties) -> Json:
        what = self.key.replace("_", " ")
        if not things:
            raise ProviderError(f"no {what} found with {how}")
        if len(things) > 1 and args.get("mostRecent"):
            return max(things, key=lambda thing: str(thing["created"]))
        if len(things) > 1:
            raise ProviderError(f"more than one {what} found with {how}: give its id, or a selector that fits one only")
        return things[0]

    @staticmethod
    def _query(args: Properties) -> Properties:
        query = {
            "label_selector": args.get("withSelector") or args.get("selector"),
            "status": args.get("withStatuses"),
        }
        return {name: value for name, value in query.items() if value}


def _token(word: str) -> str:
    return f"hcloud:index/get{word}:get{word}"
