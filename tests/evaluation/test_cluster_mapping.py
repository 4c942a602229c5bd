import itertools

import pytest
import torch

from zsl_runner.evaluation.cluster_mapping import (
    UNMAPPED,
    contingency,
    exemplar_mapping,
    hungarian_mapping,
    majority_mapping,
    mapped_accuracy,
)


def drawn(seed, rows, clusters, classes):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randint(clusters, (rows,), generator=generator),
        torch.randint(classes, (rows,), generator=generator),
    )


def test_counts_of_clusters_and_classes_are_all_rows():
    clusters, labels = drawn(0, 200, 4, 6)
    counts = contingency(clusters, labels, 5, 6)
    assert counts.shape == (5, 6)
    assert counts.sum() == 200
    assert counts[4].sum() == 0
    assert counts[2, 3] == ((clusters == 2) & (labels == 3)).sum()


@pytest.mark.parametrize("seed", range(5))
def test_majority_is_the_best_of_all_mappings_of_the_rows_it_is_fitted_on(seed):
    clusters, labels = drawn(seed, 60, 3, 4)
    mapping = majority_mapping(contingency(clusters, labels, 3, 4))
    every = itertools.product(range(4), repeat=3)
    best = max(mapped_accuracy(clusters, labels, torch.tensor(other)) for other in every)
    assert mapped_accuracy(clusters, labels, mapping) == best


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("clusters_count", "classes"), [(4, 4), (3, 4)])
def test_hungarian_is_the_best_of_all_one_to_one_mappings(seed, clusters_count, classes):
    clusters, labels = drawn(seed, 60, clusters_count, classes)
    mapping = hungarian_mapping(contingency(clusters, labels, clusters_count, classes))
    assert len(set(mapping.tolist())) == clusters_count
    every = itertools.permutations(range(classes), clusters_count)
    best = max(mapped_accuracy(clusters, labels, torch.tensor(other)) for other in every)
    assert mapped_accuracy(clusters, labels, mapping) == pytest.approx(best)


def test_more_clusters_than_classes_leave_clusters_over_one_to_one():
    mapping = hungarian_mapping(torch.tensor([[9, 0], [8, 1], [0, 5]]))
    assert mapping.tolist() == [0, UNMAPPED, 1]


def test_majority_lets_clusters_share_a_class_and_an_empty_one_stand_for_none():
    assert majority_mapping(torch.tensor([[9, 0], [8, 1], [0, 0]])).tolist() == [0, 0, UNMAPPED]


def test_a_row_of_an_unmapped_cluster_is_wrong():
    clusters, labels = torch.tensor([0, 1]), torch.tensor([0, 0])
    assert mapped_accuracy(clusters, labels, torch.tensor([0, UNMAPPED])) == 0.5


def test_names_of_clusters_do_not_matter():
    clusters, labels = drawn(3, 300, 5, 5)
    order = torch.tensor([3, 0, 4, 2, 1])
    for fit in (majority_mapping, hungarian_mapping):
        plain = mapped_accuracy(clusters, labels, fit(contingency(clusters, labels, 5, 5)))
        renamed = mapped_accuracy(order[clusters], labels, fit(contingency(order[clusters], labels, 5, 5)))
        assert plain == renamed


def test_an_exemplar_is_the_surest_row_of_its_cluster():
    probabilities = torch.tensor([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    assert exemplar_mapping(probabilities.log(), torch.tensor([2, 0, 1])).tolist() == [0, 1, 0]


def test_an_exemplar_is_the_surest_row_also_where_probabilities_round_to_one():
    logits = torch.tensor([[30.0, 0.0, 1.0], [45.0, 0.0, 20.0], [40.0, 3.0, 4.0]])
    assert logits.softmax(1)[:, 0].unique().tolist() == [1.0]
    assert exemplar_mapping(logits, torch.tensor([5, 6, 7])).tolist() == [7, 5, 6]
