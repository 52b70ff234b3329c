// SPDX-License-Identifier: MIT OR Apache-2.0

//! The JSON schema of lab files, from which editors complete them.

/// What docs/lab.schema.json says.
pub const SCHEMA: &str = include_str!("../../../../docs/lab.schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use serde_json::Value;
    use toml::de::{DeTable, DeValue};

    use super::super::read;
    use super::super::table::Keys;
    use super::super::tests::example;
    use super::*;

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    /// The keys of the table at `pointer`: all that the parser knows, and no other.
    #[test]
    fn schema_and_parser_know_the_same_keys() {
        let schema = schema();
        let tables: &[(&str, Keys)] = &[
            ("", read::FILE),
            ("/properties/defaults", read::DEFAULTS),
            ("/$defs/pool-part/anyOf/1", read::POOL),
            ("/$defs/node", read::NODE),
            ("/$defs/node-defaults", read::NODE_DEFAULTS),
            ("/$defs/node/properties/counting", read::COUNTING),
            ("/$defs/route", read::ROUTE),
            ("/$defs/command/anyOf/1", read::COMMAND),
            ("/$defs/ready/anyOf/1", read::READY),
            ("/$defs/bridge", read::BRIDGE),
            ("/$defs/link", read::LINK),
            ("/$defs/link-defaults", read::LINK_DEFAULTS),
            ("/$defs/end/anyOf/1", read::END),
            ("/$defs/impairment", read::IMPAIRMENT),
            ("/$defs/shape", read::SHAPE),
        ];
        for (pointer, keys) in tables {
            let table = schema.pointer(pointer).expect(pointer);
            assert_eq!(table["additionalProperties"], false, "{pointer}");
            let known: BTreeSet<_> = keys.iter().map(|key| (*key).to_owned()).collect();
            let said = table["properties"].as_object().expect(pointer);
            let said: BTreeSet<_> = said.keys().cloned().collect();
            assert_eq!(known, said, "{pointer}");
        }
    }

    fn as_json(text: &str) -> Value {
        let table = DeTable::parse(text).unwrap();
        value(&DeValue::Table(table.into_inner()))
    }

    fn value(toml: &DeValue) -> Value {
        match toml {
            DeValue::Table(table) => (table.iter())
                .map(|(key, entry)| (key.get_ref().to_string(), value(entry.get_ref())))
                .collect(),
            DeValue::Array(list) => list.iter().map(|entry| value(entry.get_ref())).collect(),
            DeValue::Boolean(flag) => (*flag).into(),
            DeValue::Integer(number) => number.as_str().parse::<i64>().unwrap().into(),
            other => other.as_str().expect("a string").into(),
        }
    }

    #[test]
    fn examples_and_what_is_written_fit_the_schema() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for (path, lab) in example::all() {
            let texts = [
                fs::read_to_string(&path).unwrap(),
                super::super::write(&lab),
            ];
            for text in texts {
                let errors: Vec<_> = validator
                    .iter_errors(&as_json(&text))
                    .map(|error| format!("{}: {error}", error.instance_path()))
                    .collect();
                assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            }
        }
    }

    #[test]
    fn the_schema_refuses_what_the_parser_refuses() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for text in [
            "node = {}",
            "name = \"a.b\"",
            "nodes.a.kind = \"ful\"",
            "nodes.a.commands = [{ ready = \"exit\" }]",
            "nodes.a.commands = [{ run = \"x\", ready = { tcp = 1, udp = 1 } }]",
            "nodes.a.sysctls = { \"kernel.hostname\" = \"a\" }",
            "defaults.nodes.sysctls.fs.mqueue.msg_max = 1",
            "bridges.s.mtu = 67",
            "links = [{ ends = [\"a\"] }]",
            "links = [{ ends = [\"a\", { device = \"x\" }] }]",
            "defaults.links.impairment.delay = \"10\"",
            "shapes = [{ shape = \"circle\" }]",
        ] {
            assert!(!validator.is_valid(&as_json(text)), "{text}");
            assert!(super::super::parse(text, "lab.toml").is_err(), "{text}");
        }
    }
}
