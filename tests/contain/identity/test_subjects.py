"""Subjects of bindings: who stands for a service account, and who only looks like it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from irkit.cluster.protocol import Json
from irkit.cluster.subjects import Account, Through, standing, through

NAMES = st.sampled_from(["a", "b", "a:b", "system", "web"])
ACCOUNTS = st.builds(Account, NAMES, NAMES)
TEXT = st.sampled_from(
    ["a", "b", "a:b", "web", "system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"]
    + ["system:serviceaccount:a:b", "system:serviceaccount:b:a", "system:masters", "system:unauthenticated", ""]
)
SUBJECTS = st.fixed_dictionaries(
    {},
    optional={"kind": st.sampled_from(["ServiceAccount", "User", "Group", "Node"]), "name": TEXT, "namespace": NAMES},
)


def by_the_book(subject: Json, user: str, groups: set[str]) -> bool:
    """RBAC as the API server sees it: a request has a user name and groups, a subject admits or does not."""
    match subject:
        case {"kind": "User", "name": name}:
            return bool(name == user)
        case {"kind": "Group", "name": name}:
            return name in groups
        case {"kind": "ServiceAccount", "name": name, "namespace": namespace}:
            return f"system:serviceaccount:{namespace}:{name}" == user
        case _:
            return False


@given(st.lists(SUBJECTS, max_size=6), st.sampled_from([Account("a", "b"), Account("b", "a"), Account("web", "web")]))
def test_the_subjects_found_are_those_that_admit_the_request(subjects: list[Json], account: Account) -> None:
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated"}
    user = f"system:serviceaccount:{account.namespace}:{account.name}"
    admits = [subject for subject in subjects if by_the_book(subject, user, groups)]
    assert [subject for subject, _ in standing({"subjects": subjects}, account)] == admits


@given(SUBJECTS, ACCOUNTS, ACCOUNTS)
def test_what_stands_for_one_account_alone_stands_for_no_other(subject: Json, one: Account, other: Account) -> None:
    how = through(subject, one)
    names = (one.namespace, one.name, other.namespace, other.name)
    if how and how.alone and one != other and not any(":" in name for name in names):  # no real name has a colon
        assert through(subject, other) is None
    if how is Through.GROUP and one.namespace == other.namespace:
        assert through(subject, other) is Through.GROUP


def test_a_binding_of_the_wrong_shape_is_for_nobody() -> None:
    wrong: list[object] = [None, "ServiceAccount", {"kind": "User"}, [None, 7, [], {"kind": "Group", "name": None}]]
    for subjects in wrong:
        assert list(standing({"subjects": subjects}, Account("a", "b"))) == []
