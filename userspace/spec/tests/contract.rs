// SPDX-License-Identifier: MIT OR Apache-2.0

//! The committed constants are those of the specification, and a specification
//! that the generator does not understand in full is refused.

use std::fs;

use pernet_spec::{SPEC, generate, outputs, repository};

#[test]
fn committed_files_are_up_to_date() {
    for output in generate(&repository()).unwrap() {
        let committed = fs::read_to_string(repository().join(output.path)).unwrap_or_default();
        assert!(
            committed == output.text,
            "{} differs from {SPEC}; `make spec` writes it anew",
            output.path
        );
    }
}

const SMALL: &str = "\
name: small
protocol: genetlink
definitions:
  - name: side
    type: enum
    entries:
      - name: left
        value: 5
      - name: right-hand
attribute-sets:
  - name: thing
    attributes:
      - name: side
        type: u8
        enum: side
        doc: Which one.
      - name: late
        type: uint
        value: 7
      - name: parts
        type: nest
        nested-attributes: thing
operations:
  list:
    - name: look-up
      attribute-set: thing
      do:
        request:
          attributes: [side]
";

#[test]
fn numbers_count_up_as_in_ynl() {
    let [kernel, tool, ..] = outputs(SMALL).unwrap();
    for line in [
        "pub(crate) const FAMILY_NAME: &CStr = c\"small\";",
        "pub(crate) const LOOK_UP: u8 = 1;",
        "pub(crate) const LEFT: u8 = 5;",
        "pub(crate) const RIGHT_HAND: u8 = 6;",
        "/// Which one.",
        "pub(crate) const SIDE: u16 = 1;",
        "pub(crate) const LATE: u16 = 7;",
        "pub(crate) const PARTS: u16 = 8;",
        "pub(crate) const MAX: u16 = 8;",
    ] {
        assert!(
            kernel.text.contains(line),
            "{line} is not in\n{}",
            kernel.text
        );
    }
    for line in [
        "LookUp = 1,",
        "RightHand = 6,",
        "Parts = 8,",
        "Self::RightHand => Some(\"right-hand\"),",
    ] {
        assert!(tool.text.contains(line), "{line} is not in\n{}", tool.text);
    }
}

#[test]
fn groups_are_known_by_name() {
    let text = SMALL.to_owned() + "mcast-groups:\n  list:\n    - name: late-news\n";
    let [kernel, tool, ..] = outputs(&text).unwrap();
    let line = "pub(crate) const LATE_NEWS: &super::CStr = c\"late-news\";";
    assert!(kernel.text.contains(line), "{}", kernel.text);
    let line = "pub(crate) const LATE_NEWS: &str = \"late-news\";";
    assert!(tool.text.contains(line), "{}", tool.text);
}

#[test]
fn syzkaller_is_told_what_requests_may_carry() {
    let text = SMALL.replace("[side]", "[side, late, parts]");
    let [_, _, syzlang, _] = outputs(&text).unwrap();
    for line in [
        "define SMALL_CMD_LOOK_UP\t1",
        "define SMALL_A_THING_PARTS\t8",
        "resource genl_small_family_id[int16]",
        "sendmsg$SMALL_CMD_LOOK_UP_do(fd sock_nl_generic, msg ptr[in, \
         msghdr_small[SMALL_CMD_LOOK_UP, small_look_up_do_policy]], f flags[send_flags])",
        "small_look_up_do_policy [",
        "\tSMALL_A_THING_SIDE\tnlattr[SMALL_A_THING_SIDE, flags[small_side, int8]]",
        "\tSMALL_A_THING_LATE\tnlattr[SMALL_A_THING_LATE, int32]",
        "\tSMALL_A_THING_LATE_LONG\tnlattr[SMALL_A_THING_LATE, int64]",
        "\tSMALL_A_THING_PARTS\tnlnest[SMALL_A_THING_PARTS, array[small_thing_nest_policy]]",
        "small_thing_nest_policy [",
        "small_side = 5, 6",
    ] {
        let times = syzlang.text.lines().filter(|it| *it == line).count();
        assert!(times > 0, "{line} is not in\n{}", syzlang.text);
    }
}

#[test]
fn people_are_told_what_there_is() {
    let text = SMALL.replace("[side]", "[side, late]");
    let text = text.replace("type: uint", "type: string\n        checks: {max-len: 7}");
    let [.., reference] = outputs(&text).unwrap();
    for line in [
        "### Operation `look-up`",
        "| message | [attributes of `thing`](#attributes-thing) |",
        "| `do`, request | `side`, `late` |",
        "| `do`, reply | none |",
        "| 1 | `side` | u8, [`side`](#values-side) | Which one. |",
        "| 7 | `late` | string, 7 bytes at most |  |",
        "| 8 | `parts` | nest of [`thing`](#attributes-thing) |  |",
        "| 6 | `right-hand` |  |",
    ] {
        let there = reference.text.lines().any(|it| it == line);
        assert!(there, "{line} is not in\n{}", reference.text);
    }
}

/// What comes of the small specification with `old` replaced.
fn refusal(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "{old} is not there to be replaced");
    match outputs(&SMALL.replacen(old, new, 1)) {
        Ok(_) => panic!("{old:?} may be {new:?}"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for (old, new, says) in [
        (
            "protocol: genetlink",
            "protocol: netlink-raw",
            "netlink-raw",
        ),
        ("name: small\n", "name: small\nversion: 2\n", "version"),
        (
            "name: small\n",
            "name: small\nmcast-groups: {list: [{name: news, flags: [x]}]}\n",
            "flags",
        ),
        ("type: enum", "type: flags", "flags"),
        ("type: uint", "type: u128", "u128"),
        ("value: 7", "checks: {min: 1}", "min"),
        ("do:", "notify: look-up\n      do:", "notify"),
        ("request:", "pre: hook\n        request:", "pre"),
    ] {
        let error = refusal(old, new);
        assert!(error.contains(says), "{new:?}: {error}");
    }
}

#[test]
fn a_specification_at_odds_with_itself_is_refused() {
    for (old, new, says) in [
        ("name: late", "name: side", "two of one name"),
        ("name: late", "name: Late", "lowercase"),
        ("name: late", "name: max", "taken"),
        ("name: thing", "name: side", "two of one name"),
        ("value: 7", "value: 1", "both 1"),
        ("value: 7", "value: 0", "the first attribute is 1"),
        ("value: 7", "value: 16384", "highest possible"),
        ("value: 5", "value: 255", "highest possible"),
        ("enum: side", "enum: top", "no enum `top`"),
        ("        enum: side\n", "", "no attribute carries it"),
        ("type: u8", "type: string", "not u8, u16 or u32"),
        (
            "nested-attributes: thing",
            "nested-attributes: none",
            "no attribute set `none`",
        ),
        ("        nested-attributes: thing\n", "", "a nest of what"),
        ("value: 7", "checks: {max-len: 1}", "is no string"),
        ("type: nest", "type: u8", "not a nest"),
        (
            "attribute-set: thing",
            "attribute-set: none",
            "no attribute set `none`",
        ),
        ("[side]", "[top]", "no attribute `top`"),
        (
            "      do:",
            "      mcgrp: news\n      do:",
            "an `event` goes to an `mcgrp`",
        ),
        (
            "      do:",
            "      mcgrp: news\n      event: {attributes: []}\n      do:",
            "no multicast group `news`",
        ),
        (
            "      attribute-set: thing",
            "      value: 0\n      attribute-set: thing",
            "the first operation is 1",
        ),
    ] {
        let error = refusal(old, new);
        assert!(error.contains(says), "{new:?}: {error}");
    }
}
