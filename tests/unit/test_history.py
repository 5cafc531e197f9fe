import pytest

from imgscan.image import wire
from imgscan.image.created_by import MAX_CREATED_BY
from imgscan.image.history import MAX_ENTRIES, align, setters
from imgscan.rules.sample import expand
from tests.support.histories import NOP, aligned, config, last


class TestAlignment:
    def test_entries_that_are_not_empty_pair_with_layers_in_order(self):
        result = align(config("ADD a /", "-ENV A=b", "RUN x", "-CMD y", "COPY b /"), 3)

        assert [item.layer for item in result.instructions] == [0, None, 1, None, 2]
        assert [item.index for item in result.instructions] == [item.history for item in result.instructions]
        assert all(item.exact for item in result.instructions)
        assert not result.notices

    @pytest.mark.parametrize("layers", [0, 1, 3])
    def test_counts_that_differ_leave_every_layer_unknown(self, layers):
        result = align(config("ADD a /", "-ENV A=b", "RUN x"), layers)

        assert [(item.layer, item.exact) for item in result.instructions] == [(None, False)] * 3
        assert [item.text for item in result.instructions] == ["ADD a /", "ENV A=b", "RUN x"]
        assert [(notice.code, notice.incomplete) for notice in result.notices] == [("history-mismatch", False)]
        assert f"tells of 2 layers, the image has {layers}" in result.notices[0].message

    @pytest.mark.parametrize("made", [None, config(), wire.ImageConfig(), wire.ImageConfig(history=None)])
    def test_without_history_there_are_no_instructions_and_a_notice(self, made):
        result = align(made, 2)

        assert not result.instructions
        assert [(notice.code, notice.incomplete) for notice in result.notices] == [("no-history", False)]

    def test_metadata_alone_is_exact_for_an_image_without_layers(self):
        assert align(config("-ENV A=b"), 0).instructions[0].exact

    def test_a_flood_of_entries_is_not_read(self):
        result = align(config(*["-ENV A=b"] * (MAX_ENTRIES + 1)), 0)

        assert not result.instructions
        assert [notice.code for notice in result.notices] == ["history-too-long"]

    def test_a_text_that_is_cut_is_told(self):
        result = align(config("RUN " + "x" * MAX_CREATED_BY), 1)

        assert len(result.instructions[0].text) == MAX_CREATED_BY
        assert [(notice.code, notice.where) for notice in result.notices] == [("history-cut", "history[0].created_by")]

    @pytest.mark.parametrize(
        ("created", "kept"),
        [
            ("2026-11-24T03:50:48Z", True),
            ("0001-01-01T00:00:00.5+02:00", True),
            ("2026-11-24T03:50:48Z\n", False),
            ("", False),
        ],
    )
    def test_created_is_a_time_or_nothing(self, created, kept):
        assert (last({"created": created, "created_by": "ENV A=b"}).created == created) is kept

    def test_no_text_stands_in_the_repr(self):
        token = expand("{alnum:32}")

        assert token not in repr(aligned(f"-{NOP}  ENV T={token}", f"|1 T={token} /bin/sh -c echo {token}"))


class TestSetter:
    def test_the_last_one_wins(self):
        made = aligned("-ENV A=1", "-ENV B=2", "-ENV A=3", "-CMD a", "-CMD b", '-ENTRYPOINT ["x"]').instructions

        found = setters(made)
        assert found["ENV", "A"] is made[2]
        assert found["ENV", "B"] is made[1]
        assert found["CMD", None] is made[4]
        assert found["ENTRYPOINT", None] is made[5]
        assert found.keys().isdisjoint({("ENV", "C"), ("ARG", "A")})

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("ENV A=1 B=2", {"A", "B"}),
            ("ENV A some value B=2", {"A"}),
            ('ENV A="x B=1 y" C=2', {"A", "C"}),
            (r"ENV A=x\ B=1 C=2", {"A", "C"}),
            ("ENV A='x B=1' C=2", {"A", "C"}),
            (r'ENV A="\" B=1" C=2', {"A", "C"}),
            ("ENV A=it's fine B=2", {"A", "B"}),
            ("ENV A=x \\\n    B=2 \\\nC=3", {"A", "B", "C"}),
            ("ENV A=two words B=2", {"A", "B"}),
            ("ENV A=b=c", {"A"}),
            ('LABEL "com.example/k"="v w" \'o\'=1', {"com.example/k", "o"}),
            ("LABEL k some value", {"k"}),
            ("ARG A B=2 C", {"A", "B", "C"}),
            ("ARG A=a B", {"A", "B"}),
            ("RUN A=b c", set()),
        ],
    )
    def test_one_line_may_set_several_names(self, text, names):
        made = aligned({"created_by": text, "author": "kaniko"}).instructions

        assert {name for _, name in setters(made) if name} == names
