"""The minimum cut: against networkx, against every cut there is, and on shapes with a known answer."""

import random
from collections.abc import Iterable
from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.transforms.mincut import INFINITE, Capacity, Cut, Edge, minimum_cut

BIG = 2**300  # above all work in these tests: bytes * BIG + work orders as the pair does
FEW = st.integers(0, 4)
HUGE = st.integers(0, 3) | st.integers(2**62, 2**90)


def pairs(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(numbers, numbers)


def edge_lists(capacities: st.SearchStrategy, nodes: int, size: int) -> st.SearchStrategy[list[Edge]]:
    """Any directed edges between 0 (the source), 1 (the sink) and others: parallel, cyclic, to oneself."""
    node = st.integers(0, nodes - 1)
    return st.lists(st.tuples(node, node, capacities), max_size=size)


def networkx_cut(edges: Iterable[Edge], source: object, sink: object) -> Cut:
    """The peer's answer: it, too, puts on the sink's side only what still reaches the sink."""
    graph = nx.DiGraph()
    graph.add_nodes_from([source, sink])
    for tail, head, capacity in edges:
        if capacity is INFINITE:
            graph.add_edge(tail, head)
            graph[tail][head].pop("capacity", None)  # networkx: no capacity is infinite capacity
        elif not graph.has_edge(tail, head):
            graph.add_edge(tail, head, capacity=capacity[0] * BIG + capacity[1])
        elif "capacity" in graph[tail][head]:
            graph[tail][head]["capacity"] += capacity[0] * BIG + capacity[1]
    value, (source_side, _) = nx.minimum_cut(graph, source, sink)
    return Cut(divmod(value, BIG), frozenset(source_side))


def leaving(edges: Iterable[Edge], side: frozenset) -> Capacity:
    """The capacity of the edges that leave a set of nodes, by definition."""
    cut = [capacity for tail, head, capacity in edges if tail in side and head not in side]
    if INFINITE in cut:
        return INFINITE
    return sum(pair[0] for pair in cut), sum(pair[1] for pair in cut)


def residual_network(equations: int, seed: int) -> list[Edge]:
    """What the choice of residuals asks for: values split in two, replay costs, infinite dependencies."""
    draw = random.Random(seed)
    edges: list[Edge] = []
    trips = 1000
    for v in range(equations):
        trips = draw.choice([1000, 10**6, 10**9]) if draw.random() < 0.05 else trips
        given_up = v == 0 or draw.random() < 0.1  # carries, dear ops
        edges.append((("in", v), ("out", v), (8 * trips * draw.choice([1, 1, 1, 3]), 0)))
        edges.append(("S", ("in", v), INFINITE if given_up else (0, trips * draw.choice([0, 1, 2, 8, 24]))))
        for _ in range(draw.choice([1, 2]) if v else 0):
            edges.append((("out", max(0, v - 1 - int(draw.expovariate(0.1)))), ("in", v), INFINITE))
        if draw.random() < 0.4:
            edges.append((("out", v), "T", INFINITE))
    return edges


@given(edge_lists(st.integers(0, 9).map(lambda number: (number, 0)), nodes=9, size=40))
def test_single_numbers_agree_with_networkx(edges):
    assert minimum_cut(edges, 0, 1) == networkx_cut(edges, 0, 1)


@given(edge_lists(pairs(HUGE), nodes=8, size=30))
def test_pairs_beyond_64_bits_agree_with_networkx(edges):
    assert minimum_cut(edges, 0, 1) == networkx_cut(edges, 0, 1)


@given(edge_lists(pairs(HUGE) | st.just(INFINITE), nodes=8, size=24))
def test_infinite_edges_agree_with_networkx(edges):
    try:
        peer = networkx_cut(edges, 0, 1)
    except nx.NetworkXUnbounded:
        with pytest.raises(ValueError, match="^no finite cut: infinite edges lead all the way 0 -> .*1$"):
            minimum_cut(edges, 0, 1)
    else:
        assert minimum_cut(edges, 0, 1) == peer


@given(edge_lists(pairs(FEW) | st.just(INFINITE), nodes=6, size=16))
def test_no_cut_is_better_and_none_as_good_is_nearer_the_sink(edges):
    inner = sorted({node for tail, head, _ in edges for node in (tail, head)} - {0, 1})
    sides = [frozenset({0, *some}) for k in range(len(inner) + 1) for some in combinations(inner, k)]
    finite = {side: value for side in sides if (value := leaving(edges, side)) is not INFINITE}
    if not finite:
        with pytest.raises(ValueError, match="no finite cut"):
            minimum_cut(edges, 0, 1)
        return
    best = min(finite.values())
    ties = [side for side, value in finite.items() if value == best]
    assert minimum_cut(edges, 0, 1) == Cut(best, frozenset().union(*ties))


@given(edge_lists(pairs(FEW), nodes=7, size=20), st.randoms(use_true_random=False))
def test_the_order_of_the_edges_does_not_matter(edges, shuffler):
    shuffled = list(edges)
    shuffler.shuffle(shuffled)
    assert minimum_cut(shuffled, 0, 1) == minimum_cut(edges, 0, 1)


@pytest.mark.parametrize("seed", range(8))
def test_residual_networks_agree_with_networkx(seed):
    edges = residual_network(150, seed)
    cut = minimum_cut(edges, "S", "T")
    assert cut == networkx_cut(edges, "S", "T")
    assert leaving(edges, cut.source_side) == cut.value


def test_a_large_residual_network_is_cut_where_the_flow_says():
    edges = residual_network(2000, seed=1)
    cut = minimum_cut(edges, "S", "T")
    assert leaving(edges, cut.source_side) == cut.value  # a cut of the value of a flow: both are optimal
    assert "S" in cut.source_side and "T" not in cut.source_side


def test_no_amount_of_work_outweighs_one_byte():
    edges = [("S", "a", (0, 10**30)), ("a", "T", (1, 0))]
    assert minimum_cut(edges, "S", "T") == Cut((0, 10**30), frozenset({"S"}))


def test_work_decides_between_equal_bytes():
    edges = [("S", "a", (8, 3)), ("a", "b", (8, 2)), ("b", "T", (8, 4))]
    assert minimum_cut(edges, "S", "T") == Cut((8, 2), frozenset({"S", "a"}))


def test_work_of_many_edges_never_spills_into_bytes():
    edges = [("S", "T", (1, 2**64 - 1))] * 100
    assert minimum_cut(edges, "S", "T").value == (100, 100 * (2**64 - 1))


def test_capacities_beyond_63_bits_are_exact():
    bottleneck = (2**80 + 1, 2**70 + 3)
    edges = [("S", "a", (2**80 + 1, 2**70 + 4)), ("a", "T", bottleneck), ("S", "T", (2**63, 1))]
    assert minimum_cut(edges, "S", "T") == Cut((2**80 + 1 + 2**63, 2**70 + 4), frozenset({"S", "a"}))


def test_of_equal_cuts_the_one_nearest_the_sink_is_taken():
    edges = [("S", "a", (8, 0)), ("a", "b", (8, 0)), ("b", "T", (8, 0)), ("S", "unused", (8, 0))]
    assert minimum_cut(edges, "S", "T") == Cut((8, 0), frozenset({"S", "a", "b", "unused"}))


def test_the_argument_of_exp_is_kept_when_both_it_and_the_result_are_read():
    keep, replay = (8000, 0), (0, 12000)
    edges: list[Edge] = [
        ("S", "x in", INFINITE), ("x in", "x out", keep), ("x out", "T", INFINITE),
        ("S", "y in", replay), ("y in", "y out", keep), ("y out", "T", INFINITE), ("x out", "y in", INFINITE),
    ]  # fmt: skip
    assert minimum_cut(edges, "S", "T") == Cut((8000, 12000), frozenset({"S", "x in"}))


@pytest.mark.parametrize("narrow", [0, 25_000, 49_999])
def test_a_chain_of_fifty_thousand_nodes(narrow):
    ends = ["S", *range(49_999), "T"]
    edges = [(ends[k], ends[k + 1], (1 if k == narrow else 2, k)) for k in range(50_000)]
    assert minimum_cut(edges, "S", "T") == Cut((1, narrow), frozenset(ends[: narrow + 1]))


def test_an_infinite_chain_of_fifty_thousand_nodes_is_refused_by_its_ends():
    ends = ["S", *range(49_999), "T"]
    with pytest.raises(ValueError) as refusal:
        minimum_cut([(u, v, INFINITE) for u, v in zip(ends, ends[1:], strict=False)], "S", "T")
    path = "'S' -> 0 -> ... -> 49998 -> 'T'"
    assert str(refusal.value) == f"no finite cut: infinite edges lead all the way {path}"


def test_detours_of_every_length_are_all_used():
    """One large value is written, element by element, to an array: each write is one step farther away."""
    writes = 60
    edges: list[Edge] = [("S", "array", INFINITE)]
    for k in range(writes):
        edges += [("array", ("element", k), INFINITE), (("element", k), ("version", k), (8, 0))]
        edges += [(("version", k), ("version", k - 1) if k else "T", (8 * writes, 1))]
    elements = {("element", k) for k in range(writes)}
    assert minimum_cut(edges, "S", "T") == Cut((8 * writes, 0), frozenset({"S", "array", *elements}))


def test_parallel_edges_add_up():
    edges = [("S", "a", (1, 5)), ("S", "a", (2, 1)), ("a", "T", (9, 0)), ("S", "a", (0, 0))]
    assert minimum_cut(edges, "S", "T") == Cut((3, 6), frozenset({"S"}))


def test_an_infinite_edge_beside_a_finite_one_is_infinite():
    edges: list[Edge] = [("S", "a", (1, 1)), ("S", "a", INFINITE), ("a", "T", (7, 0))]
    assert minimum_cut(edges, "S", "T") == Cut((7, 0), frozenset({"S", "a"}))


@pytest.mark.parametrize("edges, side", [
    ([], {"S"}),
    ([("S", "a", INFINITE), ("b", "T", INFINITE)], {"S", "a"}),
    ([("T", "a", INFINITE), ("a", "S", INFINITE)], {"S", "a"}),
    ([("S", "a", (0, 0)), ("a", "T", INFINITE), ("c", "d", (3, 3))], {"S", "c", "d"}),
])  # fmt: skip
def test_what_is_not_connected_costs_nothing(edges, side):
    assert minimum_cut(edges, "S", "T") == Cut((0, 0), frozenset(side))


def test_the_refusal_shows_infinite_edges_only_though_a_finite_one_is_shorter():
    edges: list[Edge] = [("S", "b", (1, 1)), ("S", "a", INFINITE), ("a", "b", INFINITE), ("b", "T", INFINITE)]
    with pytest.raises(ValueError, match="'S' -> 'a' -> 'b' -> 'T'$"):
        minimum_cut(edges, "S", "T")


def test_edges_may_come_from_an_iterator():
    assert minimum_cut(iter([("S", "T", (2, 3))]), "S", "T").value == (2, 3)


@pytest.mark.parametrize("edges, source, message", [
    ([("S", "T", INFINITE)], "S", "no finite cut: infinite edges lead all the way 'S' -> 'T'"),
    ([("S", "a", INFINITE), ("a", "b", INFINITE), ("b", "a", INFINITE), ("b", "T", INFINITE)], "S",
     "no finite cut: infinite edges lead all the way 'S' -> 'a' -> 'b' -> 'T'"),
    ([("S", "a", (3, -1))], "S", "the edge from 'S' to 'a' has the negative capacity (3, -1)"),
    ([("S", "T", (1, 1))], "T", "nothing separates 'T' from itself"),
])  # fmt: skip
def test_refusals(edges, source, message):
    with pytest.raises(ValueError) as refusal:
        minimum_cut(edges, source, "T")
    assert str(refusal.value) == message
