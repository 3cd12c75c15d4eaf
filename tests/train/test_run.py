"""What runs of one seed and of several share."""

from actioncnn.train.training import member_seed


def test_ensembles_of_different_seeds_share_no_member():
    """The first member is the single run of the seed."""
    seeds = [[member_seed(seed, member) for member in range(10)] for seed in range(50)]
    assert [row[0] for row in seeds] == list(range(50))
    assert len({seed for row in seeds for seed in row}) == 500 and all(seed < 2**32 for row in seeds for seed in row)
