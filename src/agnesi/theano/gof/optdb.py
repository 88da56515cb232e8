"""Databases of rewrites, from which tags choose."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config
from agnesi.theano.gof import opt as opt
from agnesi.theano.misc.ordered_set import OrderedSet

if TYPE_CHECKING:
    from collections.abc import Iterable


class DB(opt.Numbered):
    """Rewrites, and databases of them, by names and tags."""

    def __init__(self) -> None:
        self.__db__: dict[str, OrderedSet] = {}
        self._names: set[str] = set()
        # Given where the database is registered in another one.
        self.name: Any = None

    def register(self, name: str, obj: Any, *tags: str, use_db_name_as_tag: bool = True) -> None:
        """Add a rewrite.

        Args:
            name: its name, by which it can be chosen too.
            obj: a rewrite or a database.
            tags: by which it can be chosen.
            use_db_name_as_tag: whether this database's name chooses it as well.

        Raises:
            TypeError: it is neither.
            ValueError: the name is there already, or a tag is a name.
        """
        if not isinstance(obj, DB | opt.Optimizer | opt.LocalOptimizer):
            raise TypeError("Object cannot be registered in OptDB", obj)
        if name in self.__db__:
            raise ValueError(
                "The name of the object cannot be an existing tag or the name of another existing "
                "object.",
                obj,
                name,
            )
        if use_db_name_as_tag and self.name is not None:
            tags = (*tags, self.name)
        obj.name = name
        self.__db__[name] = OrderedSet([obj])
        self._names.add(name)
        self._tagged(type(obj).__name__).add(obj)
        self.add_tags(name, *tags)

    def _tagged(self, tag: str) -> OrderedSet:
        return self.__db__.setdefault(tag, OrderedSet())

    def _one(self, name: str, tags: Iterable[str]) -> Any:
        obj = self[name]
        for tag in tags:
            if tag in self._names:
                raise ValueError("The tag of the object collides with a name.", obj, tag)
        return obj

    def add_tags(self, name: str, *tags: str) -> None:
        """Let tags choose a rewrite."""
        obj = self._one(name, tags)
        for tag in tags:
            self._tagged(tag).add(obj)

    def remove_tags(self, name: str, *tags: str) -> None:
        """Let tags choose a rewrite no more."""
        obj = self._one(name, tags)
        for tag in tags:
            self._tagged(tag).remove(obj)

    def __query__(self, q: Any) -> Any:
        if not isinstance(q, Query):
            raise TypeError("Expected a Query.", q)
        chosen = OrderedSet()
        for tag in q.include:
            chosen.update(self.__db__.get(tag, ()))
        for tag in q.require:
            chosen.intersection_update(self.__db__.get(tag, ()))
        for tag in q.exclude:
            chosen.difference_update(self.__db__.get(tag, ()))
        inner = q
        if q.extra_optimizations:
            inner = copy.copy(q)
            inner.extra_optimizations = []
        found = OrderedSet()
        for obj in chosen:
            if isinstance(obj, DB):
                made = obj.query(q.subquery.get(obj.name, inner))
                made.name = obj.name
                found.add(made)
            else:
                found.add(obj)
        return found

    def query(self, *tags: Any, **kwtags: Any) -> Any:
        """Return the rewrites that a query chooses.

        Args:
            tags: a :class:`Query`, or tags with ``+`` (these), ``&`` (of those only these) or
                ``-`` (not these) before them.
            kwtags: queries for databases inside, by name.
        """
        first: Any = tags[0] if tags else None
        if isinstance(first, Query):
            if len(tags) > 1 or kwtags:
                raise TypeError(
                    "If the first argument to query is a Query, there should be no other "
                    "arguments.",
                    tags,
                    kwtags,
                )
            return self.__query__(first)
        by_sign = {sign: [t[1:] for t in tags if t.startswith(sign)] for sign in "+&-"}
        if sum(map(len, by_sign.values())) < len(tags):
            raise ValueError(
                "All tags must start with one of the following characters: '+', '&' or '-'", tags
            )
        return self.__query__(Query(by_sign["+"], by_sign["&"], by_sign["-"], subquery=kwtags))

    def __getitem__(self, name: str) -> Any:
        found = self.__db__.get(name, OrderedSet())
        if not found:
            raise KeyError(f"Nothing registered for '{name}'")
        if len(found) > 1:
            raise ValueError(f"More than one match for {name} (please use query)")
        return next(iter(found))

    def __contains__(self, name: str) -> bool:
        return name in self.__db__

    def print_summary(self, stream: Any = None) -> None:
        """Print what is there."""
        print(f"{type(self).__name__} (id {id(self)})", file=stream)
        print("  names", self._names, file=stream)
        print("  db", self.__db__, file=stream)

    def each(self) -> Iterable[Any]:
        """Yield all rewrites, those of databases inside too."""
        for name in sorted(self._names):
            obj = self[name] if len(self.__db__[name]) == 1 else None
            if isinstance(obj, DB):
                yield from obj.each()
            elif obj is not None:
                yield obj


class Query:
    """Which rewrites are wanted.

    Args:
        include: tags of those that are.
        require: of those, only such with all these tags.
        exclude: none with these.
        subquery: queries for databases inside, by name.
        position_cutoff: of a sequence, only what is before this position.
        extra_optimizations: pairs of rewrites and positions that a sequence gets besides.
    """

    def __init__(
        self,
        include: Iterable[str],
        require: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        subquery: dict[str, Any] | None = None,
        position_cutoff: float = float("inf"),
        extra_optimizations: list[Any] | None = None,
    ) -> None:
        self.include, self.require = OrderedSet(include), OrderedSet(require or ())
        self.exclude, self.subquery = OrderedSet(exclude or ()), subquery or {}
        self.position_cutoff = position_cutoff
        self.extra_optimizations = list(extra_optimizations or ())

    def _with(self, **changes: Any) -> Query:
        names = ("include", "require", "exclude", "subquery", "position_cutoff")
        settings = {n: getattr(self, n) for n in (*names, "extra_optimizations")}
        return Query(**{**settings, **changes})

    def including(self, *tags: str) -> Query:
        """Return a query for what has one of these tags too."""
        return self._with(include=self.include.union(tags))

    def excluding(self, *tags: str) -> Query:
        """Return a query for what has none of these tags."""
        return self._with(exclude=self.exclude.union(tags))

    def requiring(self, *tags: str) -> Query:
        """Return a query for what has these tags."""
        return self._with(require=self.require.union(tags))

    def register(self, *optimizations: Any) -> Query:
        """Return a query for these pairs of rewrites and positions too."""
        return self._with(extra_optimizations=[*self.extra_optimizations, *optimizations])

    def __str__(self) -> str:
        return (
            f"Query{{inc={self.include},ex={self.exclude},require={self.require},"
            f"subquery={self.subquery},position_cutoff={self.position_cutoff:f},"
            f"extra_opts={self.extra_optimizations}}}"
        )


class EquilibriumDB(DB):
    """Rewrites that are applied until none changes anything.

    Args:
        ignore_newtrees: whether what they make waits for the next round.
        tracks_on_change_inputs: whether an application whose inputs change is looked at again.
    """

    def __init__(self, ignore_newtrees: bool = True, tracks_on_change_inputs: bool = False) -> None:
        super().__init__()
        self.ignore_newtrees = ignore_newtrees
        self.tracks_on_change_inputs = tracks_on_change_inputs
        self.__final__: dict[str, bool] = {}
        self.__cleanup__: dict[str, bool] = {}

    def register(  # type: ignore[override]
        self,
        name: str,
        obj: Any,
        *tags: str,
        final_opt: bool = False,
        cleanup: bool = False,
        **kwtags: Any,
    ) -> None:
        """Add a rewrite.

        Args:
            name: see :meth:`DB.register`.
            obj: see there.
            tags: see there.
            final_opt: whether it comes last in each round.
            cleanup: whether it comes after each change.
            kwtags: see there.
        """
        if final_opt and cleanup:
            raise AssertionError("a rewrite is final_opt or cleanup, not both")
        super().register(name, obj, *tags, **kwtags)
        self.__final__[name], self.__cleanup__[name] = final_opt, cleanup

    def query(self, *tags: Any, **kwtags: Any) -> opt.EquilibriumOptimizer:
        """Return the rewrites that a query chooses, to be applied until nothing changes."""
        found = list(super().query(*tags, **kwtags))
        final = [o for o in found if self.__final__.get(o.name)]
        cleanup = [o for o in found if self.__cleanup__.get(o.name)]
        return opt.EquilibriumOptimizer(
            [o for o in found if o not in final and o not in cleanup],
            max_use_ratio=config.optdb.max_use_ratio,
            ignore_newtrees=self.ignore_newtrees,
            tracks_on_change_inputs=self.tracks_on_change_inputs,
            failure_callback=opt.NavigatorOptimizer.warn_inplace,
            final_optimizers=final,
            cleanup_optimizers=cleanup,
        )


class _Positions:
    """Where rewrites are in a sequence."""

    def __init__(self) -> None:
        self.of: dict[str, float] = {}

    def put(self, name: str, position: Any) -> None:
        if position == "last":
            position = max(self.of.values()) + 1 if self.of else 0
        elif not isinstance(position, int | float):
            raise AssertionError(f"the position of a rewrite is a number or 'last': {position!r}")
        self.of[name] = position


class SequenceDB(DB):
    """Rewrites that are applied one after the other, in the order of their positions."""

    seq_opt: Any = opt.SeqOptimizer

    def __init__(self, failure_callback: Any = opt.SeqOptimizer.warn) -> None:
        super().__init__()
        self._positions = _Positions()
        self.failure_callback = failure_callback

    @property
    def __position__(self) -> dict[str, float]:
        return self._positions.of

    def register(self, name: str, obj: Any, position: Any, *tags: str) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Add a rewrite.

        Args:
            name: see :meth:`DB.register`.
            obj: see there.
            position: a number, or ``"last"``.
            tags: see there.
        """
        super().register(name, obj, *tags)
        self._positions.put(name, position)

    def query(self, *tags: Any, **kwtags: Any) -> opt.SeqOptimizer:
        """Return the rewrites that a query chooses in their order.

        Args:
            tags: see :meth:`DB.query`.
            kwtags: see there; ``position_cutoff``: only what is before this position.
        """
        cutoff = kwtags.pop("position_cutoff", config.optdb.position_cutoff)
        found = super().query(*tags, **kwtags)
        positions = dict(self._positions.of)
        query = tags[0] if tags and isinstance(tags[0], Query) else None
        if query is not None:
            cutoff = query.position_cutoff or cutoff
            for rewrite, position in query.extra_optimizations:
                rewrite.name = f"{type(rewrite)}_{id(rewrite)}"
                found.add(rewrite)
                positions[rewrite.name] = position
        chosen = [o for o in found if positions[o.name] < cutoff]
        chosen.sort(key=lambda o: (positions[o.name], o.name))
        made = self.seq_opt(chosen, failure_callback=self.failure_callback)
        if query is not None and getattr(query, "name", None):
            made.name = query.name  # type: ignore[attr-defined]
        return made

    def print_summary(self, stream: Any = None) -> None:
        """Print what is there."""
        print(f"{type(self).__name__} (id {id(self)})", file=stream)
        print("  position", sorted(self._positions.of.items(), key=lambda p: p[1]), file=stream)
        print("  names", self._names, file=stream)
        print("  db", self.__db__, file=stream)


class LocalGroupDB(DB):
    """Local rewrites of which the first that applies counts.

    Args:
        apply_all_opts: go on with what a rewrite has made, until none applies.
        profile: nothing: rewrites are not timed.
        local_opt: the class of what a query gives.
    """

    def __init__(
        self,
        apply_all_opts: bool = False,
        profile: bool = False,
        local_opt: Any = opt.LocalOptGroup,
    ) -> None:
        super().__init__()
        self.failure_callback = None
        self.apply_all_opts, self.profile, self.local_opt = apply_all_opts, profile, local_opt
        self._positions = _Positions()

    def register(self, name: str, obj: Any, *tags: str, position: Any = "last", **_: Any) -> None:  # type: ignore[override]
        """Add a rewrite.

        Args:
            name: see :meth:`DB.register`.
            obj: see there.
            tags: see there.
            position: a number, or ``"last"``.
        """
        super().register(name, obj, *tags)
        self._positions.put(name, position)

    def query(self, *tags: Any, **kwtags: Any) -> Any:
        """Return the rewrites that a query chooses, as one."""
        found = list(super().query(*tags, **kwtags))
        found.sort(key=lambda o: (self._positions.of[o.name], o.name))
        return self.local_opt(*found, apply_all_opts=self.apply_all_opts, profile=self.profile)


class TopoDB(DB):
    """Local rewrites of another database that are taken through a graph once."""

    def __init__(
        self,
        db: DB,
        order: str = "in_to_out",
        ignore_newtrees: bool = False,
        failure_callback: Any = None,
    ) -> None:
        super().__init__()
        self.db, self.order = db, order
        self.ignore_newtrees, self.failure_callback = ignore_newtrees, failure_callback

    def query(self, *tags: Any, **kwtags: Any) -> opt.TopoOptimizer:
        """Return what takes those that a query chooses through a graph."""
        return opt.TopoOptimizer(
            self.db.query(*tags, **kwtags), self.order, self.ignore_newtrees, self.failure_callback
        )

    def each(self) -> Iterable[Any]:
        """Yield the other database's rewrites."""
        return itertools.chain(super().each(), self.db.each())


class ProxyDB(DB):
    """Another database, to be registered a second time."""

    def __init__(self, db: DB) -> None:
        super().__init__()
        self.db = db

    def query(self, *tags: Any, **kwtags: Any) -> Any:
        """Return what the other database returns."""
        return self.db.query(*tags, **kwtags)

    def each(self) -> Iterable[Any]:
        """Yield the other database's rewrites."""
        return self.db.each()
