// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guide as it stands: what its pages want of the sources is there, and links of
//! the project's documents lead somewhere. And the parts that this is made of.

use std::fs;
use std::path::Path;

use pernet_guide::{expand, item, links, preprocessor, repository};

#[test]
fn every_page_finds_what_it_wants_of_the_sources() {
    let pages = links::files(&repository().join("docs/guide/src"), "md").unwrap();
    assert!(!pages.is_empty());
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let expanded = expand::page(&repository(), &text);
        assert!(expanded.is_ok(), "{}: {expanded:?}", page.display());
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let source = repository().join("docs/guide/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).unwrap();
    for page in links::files(&source, "md").unwrap() {
        let name = page.strip_prefix(&source).unwrap().display().to_string();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("]({name})")),
            "{name} is not in SUMMARY.md"
        );
    }
}

#[test]
fn links_in_the_projects_documents_lead_somewhere() {
    let root = repository();
    let mut pages = links::files(&root.join("docs"), "md").unwrap();
    pages.push(root.join("README.md"));
    for page in pages {
        assert_eq!(
            links::broken_in_markdown(&page).unwrap(),
            Vec::<String>::new()
        );
    }
}

const RUST: &str = "\
/// Says what it is.
#[pin_data]
pub(crate) struct Thing<T> {
    /// One field.
    one: T,
}

static ID: Id = Id::new();

impl Thing<u8> {
    /// The first.
    fn first(
        &self,
        number: usize,
    ) -> Result {
        match number {
            0 => Ok(()),
            _ => Err(EINVAL),
        }
    }

    fn first_of_all(&self) {}
}
";

fn found(source: &str, name: &str) -> String {
    item::find(source, name).unwrap().text
}

fn refusal(source: &str, name: &str) -> String {
    item::find(source, name).unwrap_err().to_string()
}

#[test]
fn an_item_comes_with_its_documentation_and_ends_where_it_ends() {
    let thing = item::find(RUST, "struct Thing").unwrap();
    assert_eq!(thing.line, 1);
    assert!(thing.text.starts_with("/// Says what it is.\n#[pin_data]"));
    assert!(thing.text.ends_with("    one: T,\n}"));
    assert_eq!(found(RUST, "static ID"), "static ID: Id = Id::new();");
    let first = item::find(RUST, "impl Thing<u8> > fn first").unwrap();
    assert_eq!(first.line, 11);
    assert!(first.text.starts_with("/// The first.\nfn first(\n"));
    assert!(first.text.ends_with("    }\n}"), "{}", first.text);
}

#[test]
fn an_item_of_c_is_found_too() {
    let source = "\
/*
 * What it is.
 */
static int thing(struct net *net)
{
\tif (!net)
\t\treturn 0;

\treturn 1;
}

static const struct ops ops = {
\t.thing = thing,
};
";
    assert!(found(source, "static int thing").starts_with("/*\n * What it is.\n */\nstatic"));
    assert!(found(source, "static int thing").ends_with("return 1;\n}"));
    assert!(found(source, "static const struct ops").ends_with("};"));
}

#[test]
fn what_is_not_there_or_there_twice_is_refused() {
    assert_eq!(
        refusal(RUST, "fn second"),
        "no item begins with `fn second`"
    );
    let twice = RUST.replace("first_of_all", "first");
    let said = refusal(&twice, "fn first");
    assert_eq!(
        said,
        "`fn first` begins on line 12 and on line 22: say more of it"
    );
}

#[test]
fn pages_are_expanded_on_their_way_through_mdbook() {
    let book = r#"[{}, {"sections": ["Separator", {"Chapter": {"name": "a", "path": "a.md",
        "content": "{{#item kmod/state.rs static ID}}\n[`f()`](srctree/net/x.c) and [g](srctree/y.c)",
        "sub_items": [{"Chapter": {"content": "{{#doc kmod/file.rs}}", "sub_items": []}}]}}]}]"#;
    let mut out = Vec::new();
    preprocessor::run(&repository(), book.as_bytes(), &mut out).unwrap();
    let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let chapter = &out["sections"][1]["Chapter"];
    let content = chapter["content"].as_str().unwrap();
    assert!(content.contains("\n```rust,ignore\nstatic ID: pernet::Id"));
    assert!(content.contains("tree/net/x.c?h=linux-7.3.y) and [g](https://"));
    let inner = chapter["sub_items"][0]["Chapter"]["content"].as_str();
    assert!(inner.unwrap().starts_with("`/proc/net/pernet`: "));

    let page = expand::page(&repository(), "{{#page docs/json.md}}").unwrap();
    assert!(page.starts_with("# What `--json` prints"));
    assert!(!page.contains(".md)"), "{page}");

    let bad = book.replace("static ID", "static NONE");
    let error = preprocessor::run(&repository(), bad.as_bytes(), Vec::new()).unwrap_err();
    assert!(format!("{error:#}").contains("a.md"), "{error:#}");
    assert!(expand::page(&repository(), "{{#items kmod/state.rs x}}").is_err());
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("links");
    fs::create_dir_all(folder.join("sub")).unwrap();
    let page = "<p id=\"here\"><a href=\"sub/b.html#there\">x</a><a href=\"#here\">x</a>\
        <a href=\"https://example.net/\">x</a><a href=\"#nowhere\">x</a>\
        <a href=\"sub/b.html#here\">x</a><img src=\"none.svg\">";
    fs::write(folder.join("a.html"), page).unwrap();
    fs::write(
        folder.join("sub/b.html"),
        "<a id=\"there\" href=\"../a.html\">x</a>",
    )
    .unwrap();
    let at = folder.join("a.html").display().to_string();
    assert_eq!(
        links::broken_in_html(&folder).unwrap(),
        ["#nowhere", "none.svg", "sub/b.html#here"].map(|link| format!("{at}: {link}"))
    );
    let markdown = folder.join("c.md");
    fs::write(&markdown, "[a](a.html) [b](b.html) [c](srctree/net/x.c)").unwrap();
    let said = links::broken_in_markdown(&markdown).unwrap();
    assert_eq!(said, [format!("{}: b.html", markdown.display())]);
}
