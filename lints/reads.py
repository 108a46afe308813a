"""Fails for reads that nobody can tell for whom they are, and for roads around the query's runner.

Three rules. What a client may see, and as of when, stands in the `Context` of its request: so every
public method of the store and of a graph's services takes one, or is named here with a reason. The
context of what the server reads for itself sees everything, so only who is named here has it. And
what holds for queries is held by `kastor.query.run`: nothing above the store but that calls
`fetch_*` or `look_up`.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
RUNNER = "kastor.query.run"
ENGINES = "kastor.storage."
"""What implements these may call them."""
FETCHES = frozenset({"fetch_one", "fetch_all", "fetch_some", "look_up"})
SYSTEM = {
    "kastor.hosting.services": "readiness: whoever asks is not told what was read",
    "kastor.hosting.assembly": "a look for old ids when a graph is opened, told to the log",
    "kastor.server.run": "what the start tells the operator",
}
"""Who reads with `kastor.records.SYSTEM`, and why nobody else sees it."""
SERVICES = ("kastor.hosting.services", "Services")
"""Its fields are the services of a graph, the store among them."""
ALSO = ((RUNNER, "Runner"),)
# Why methods take no context; a class with a star is left out as a whole.
ALLOWED: dict[str, str] = {
    "what decides and compiles, and no answer: clients' models come by GraphService.models": (
        "Store.catalog GraphService.catalog"
    ),
    "the graph's name and keys, told by the operator": (
        "Store.signing_key Store.engine Store.host_name"
    ),
    "protocols of their own: the log, whose readers are the server's, and configuration": (
        "Store.events Store.indexes Store.inputs Store.jobs Store.history Store.saved Store.search"
        " Store.proposals Store.vectors Store.parts"
    ),
    "a state's name, or what may be seen; what is read of it takes a context that has it": (
        "GraphService.at GraphService.position GraphService.seen"
    ),
    "what statements over a state may rely on, no answer": "Store.since",
    "what the engine can, another reader, limits of pages; what is got there takes a context": (
        "Store.look_up Runner.waits Runner.over Runner.use"
    ),
    "the state of the process": (
        "Store.ticker Store.trouble Store.load Vitals.* SampleService.is_alive Runner.plans"
    ),
    "upkeep, for nobody": (
        "GraphService.refresh_models Store.refresh Store.prune Store.reset Store.settle Store.close"
        " JobService.purge KeepingService.pack ProposalService.purge"
    ),
    "about a request's body or text alone": (
        "GraphService.taking_upload GraphService.read_upload QueryService.given"
        " QueryService.require_language QueryService.place_of QueryService.token_at"
        " QueryService.compile Runner.compile Runner.whole"
    ),
    "starting, stopping and forgetting": (
        "LiveService.close LiveService.stop Feed.stop RouteService.start RouteService.stop"
        " InputService.start InputService.stop JobService.start JobService.stop SampleService.stop"
        " SampleService.silence"
    ),
    "routes and endpoints as configured, and how many events they had": (
        "RouteService.routes RouteService.route RouteService.put_route RouteService.delete_route"
        " RouteService.state RouteService.states RouteService.pause RouteService.replay"
        " RouteService.requeue RouteService.purge RouteService.endpoints RouteService.endpoint"
        " RouteService.put_endpoint RouteService.delete_endpoint RouteService.try_endpoint"
    ),
    "inputs as configured, and messages that never came into the graph": (
        "InputService.inputs InputService.input InputService.put_input InputService.delete_input"
        " InputService.pause InputService.refresh InputService.status InputService.statuses"
        " InputService.rejected InputService.receive"
    ),
    "how many jobs there are, and how far": "JobService.counts JobService.tallies",
    "files that wait to be imported, and nothing of the graph": "Spool.*",
    "places of jobs, by the operator's word": "Locations.check",
    "the index as such, which is searched with a context": (
        "SearchService.start SearchService.stop SearchService.status SearchService.reach"
        " SearchService.leads"
    ),
    "a text of the caller, and nothing of the graph": "VectorService.vector_of_text",
    "names of properties, no values": (
        "IndexService.paths IndexService.refresh IndexService.create IndexService.drop"
    ),
}


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    trees = {_module(path): ast.parse(path.read_bytes()) for path in SOURCES.rglob("*.py")}
    found = problems(trees, ALLOWED)
    print("\n".join(found), end="\n" if found else "")
    return int(bool(found))


def problems(trees: dict[str, ast.Module], allowed: dict[str, str]) -> list[str]:
    """Return a line for each thing that is wrong, sorted."""
    excused = {name for names in allowed.values() for name in names.split()}
    found = [line for module, tree in trees.items() for line in _roads_around(module, tree)]
    found += [line for module, tree in trees.items() for line in _unasked(module, tree)]
    used: set[str] = set()
    for module, owner in [*_services(trees), *ALSO]:
        for method in _methods(trees[module], owner):
            name = f"{owner}.{method.name}"
            excuse = {name, f"{owner}.*"} & excused
            used |= excuse
            takes = "context" in {each.arg for each in _arguments(method)}
            if not takes and not excuse:
                found.append(f"{module}:{method.lineno}: {name} takes no context")
            elif takes and name in excused:
                found.append(f"{module}:{method.lineno}: {name} takes a context, and is excused")
    found += [f"lints/reads.py: there is no {name}" for name in excused - used]
    return sorted(found)


def _module(path: Path) -> str:
    name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
    return name.removesuffix(".__init__")


def _roads_around(module: str, tree: ast.Module) -> list[str]:
    """Where the module asks a store for the rows of a statement, though it is not the runner."""
    if module == RUNNER or module.startswith(ENGINES):
        return []
    return [
        f"{module}:{node.lineno}: {node.attr} is called by {RUNNER} alone"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in FETCHES
    ]


def _unasked(module: str, tree: ast.Module) -> list[str]:
    """Where the module reads as the server itself, though nothing says that it may."""
    if module in SYSTEM:
        return []
    return [
        f"{module}:{node.lineno}: reads as SYSTEM; hand on the context of who asks"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "kastor.records"
        and any(alias.name == "SYSTEM" for alias in node.names)
    ]


def _services(trees: dict[str, ast.Module]) -> list[tuple[str, str]]:
    """Return module and name of the class of each service, as the annotations say."""
    module, name = SERVICES
    tree = trees[module]
    homes = {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return [
        homes[ast.unparse(node.annotation).partition("[")[0].removesuffix(" | None")]
        for node in _class(tree, name).body
        if isinstance(node, ast.AnnAssign)
    ]


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name
    )


def _methods(tree: ast.Module, owner: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in _class(tree, owner).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    ]


def _arguments(method: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    arguments = method.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


if __name__ == "__main__":
    sys.exit(main())
