// SPDX-License-Identifier: MIT OR Apache-2.0

//! Shapes become nodes, bridges and links, as if the file had them one by one.

use super::draft::{Bridge, Defaults, Draft, End, Link, LinkSettings, Node};
use super::problem::{At, Report};

/// The most nodes and bridges, and the most links, that a shape may have. More
/// than any machine makes, and few enough to find that out.
const MAX_PARTS: usize = 100_000;
const MAX_LINKS: usize = 1_000_000;

/// A shape, read.
pub struct Shape {
    pub at: usize,
    pub form: Form,
    /// What names of nodes and of bridges begin with; numbers from 1 follow.
    pub nodes: String,
    pub bridges: String,
    pub settings: LinkSettings,
    /// The beginning of a problem's sentence.
    pub subject: String,
}

#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// n1 - n2 - n3
    Line(usize),
    /// A line whose ends meet.
    Ring(usize),
    /// So many nodes around one in the middle.
    Star(usize, Inner),
    /// Each with each.
    Mesh(usize),
    /// A root, with `fanout` below it, and below each of these, `depth` times.
    Tree {
        depth: usize,
        fanout: usize,
        inner: Inner,
    },
    /// Rows of nodes, each linked with those beside and below it; with `wrap` the
    /// last with the first as well.
    Grid {
        width: usize,
        height: usize,
        wrap: bool,
    },
}

/// What is in the middle of a star, and where a tree branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner {
    Bridge,
    Node,
}

/// A shape by numbers: parts from 0, of which the first `bridges` are bridges.
struct Plan {
    bridges: usize,
    parts: usize,
    links: Vec<(usize, usize)>,
}

/// Adds the parts of `shape` to `draft`.
pub fn shape(shape: Shape, defaults: &Defaults, draft: &mut Draft, report: &Report) {
    let Some(plan) = shape.form.plan() else {
        let what = format!(
            "{}it would have more than {MAX_PARTS} nodes or {MAX_LINKS} links",
            shape.subject
        );
        report.add(shape.at, what);
        return;
    };
    let name = |part: usize| match part.checked_sub(plan.bridges) {
        Some(node) => format!("{}{}", shape.nodes, node + 1),
        None => format!("{}{}", shape.bridges, part + 1),
    };
    for part in 0..plan.parts {
        let name = name(part);
        if part < plan.bridges {
            draft.bridges.push(Bridge {
                name: At::new(name, shape.at),
                settings: defaults.bridges.clone(),
            });
            continue;
        }
        match name.parse() {
            Ok(name) => draft.nodes.push(Node {
                name: At::new(name, shape.at),
                settings: defaults.nodes.clone(),
            }),
            Err(error) => report.add(shape.at, format!("{}{error}", shape.subject)),
        }
    }
    let settings = LinkSettings {
        pool: shape.settings.pool.or_else(|| defaults.links.pool.clone()),
        mtu: shape.settings.mtu.or(defaults.links.mtu),
        impairment: (shape.settings.impairment).or_else(|| defaults.links.impairment.clone()),
    };
    draft
        .links
        .extend(plan.links.into_iter().map(|(a, b)| Link {
            at: shape.at,
            number: None,
            ends: [a, b].map(|part| End::new(At::new(name(part), shape.at))),
            settings: settings.clone(),
        }));
}

impl Form {
    /// Nothing, where it is too large.
    fn plan(self) -> Option<Plan> {
        let of_nodes = |parts, links| Plan {
            bridges: 0,
            parts,
            links,
        };
        let plan = match self {
            Form::Line(size) => of_nodes(size, line(0, 1, size)),
            Form::Ring(size) => of_nodes(size, ring(0, 1, size)),
            Form::Star(size, inner) => tree(1, size, inner)?,
            Form::Mesh(size) => {
                if size.checked_mul(size.saturating_sub(1))? / 2 > MAX_LINKS {
                    return None;
                }
                let links = (0..size).flat_map(|a| (a + 1..size).map(move |b| (a, b)));
                of_nodes(size, links.collect())
            }
            Form::Tree {
                depth,
                fanout,
                inner,
            } => tree(depth, fanout, inner)?,
            Form::Grid {
                width,
                height,
                wrap,
            } => {
                let parts = width
                    .checked_mul(height)
                    .filter(|parts| *parts <= MAX_PARTS)?;
                let run = if wrap { ring } else { line };
                let rows = (0..height).flat_map(|row| run(row * width, 1, width));
                let columns = (0..width).flat_map(|column| run(column, width, height));
                of_nodes(parts, rows.chain(columns).collect())
            }
        };
        (plan.parts <= MAX_PARTS && plan.links.len() <= MAX_LINKS).then_some(plan)
    }
}

/// `count` parts from `first` on, each `step` after the one before.
fn line(first: usize, step: usize, count: usize) -> Vec<(usize, usize)> {
    (1..count)
        .map(|index| (first + (index - 1) * step, first + index * step))
        .collect()
}

/// Two have one link, however one goes round.
fn ring(first: usize, step: usize, count: usize) -> Vec<(usize, usize)> {
    let mut links = line(first, step, count);
    if count > 2 {
        links.push((first + (count - 1) * step, first));
    }
    links
}

/// Numbered from the root on, level by level, so that what branches comes first.
fn tree(depth: usize, fanout: usize, inner: Inner) -> Option<Plan> {
    let (mut level, mut branching) = (1_usize, 0_usize);
    for _ in 0..depth {
        branching += level;
        level = level
            .checked_mul(fanout)
            .filter(|level| *level <= MAX_PARTS)?;
    }
    let parts = branching + level;
    Some(Plan {
        bridges: if inner == Inner::Bridge { branching } else { 0 },
        parts,
        links: (1..parts)
            .map(|child| ((child - 1) / fanout, child))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(form: Form) -> Vec<(usize, usize)> {
        form.plan().unwrap().links
    }

    #[test]
    fn shapes_have_their_links() {
        assert_eq!(links(Form::Line(3)), [(0, 1), (1, 2)]);
        assert_eq!(links(Form::Line(1)), []);
        assert_eq!(links(Form::Ring(3)), [(0, 1), (1, 2), (2, 0)]);
        assert_eq!(links(Form::Star(2, Inner::Node)), [(0, 1), (0, 2)]);
        assert_eq!(links(Form::Mesh(3)), [(0, 1), (0, 2), (1, 2)]);
        let grid = |wrap| Form::Grid {
            width: 3,
            height: 2,
            wrap,
        };
        assert_eq!(
            links(grid(false)),
            [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]
        );
        assert_eq!(links(grid(true)).len(), 9);
    }

    #[test]
    fn a_tree_branches_into_bridges_or_nodes() {
        let tree = |inner| Form::Tree {
            depth: 2,
            fanout: 2,
            inner,
        };
        let plan = tree(Inner::Bridge).plan().unwrap();
        assert_eq!((plan.bridges, plan.parts), (3, 7));
        assert_eq!(plan.links, [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)]);
        assert_eq!(tree(Inner::Node).plan().unwrap().bridges, 0);
    }

    #[test]
    fn what_is_too_large_is_not_expanded() {
        let tree = |depth, fanout| Form::Tree {
            depth,
            fanout,
            inner: Inner::Node,
        };
        for form in [
            Form::Mesh(100_000),
            tree(100_000, 2),
            tree(20, 2),
            Form::Grid {
                width: 100_000,
                height: 100_000,
                wrap: false,
            },
        ] {
            assert!(form.plan().is_none(), "{form:?}");
        }
        // A tree with one branch is a line, however deep.
        assert!(tree(99_999, 1).plan().is_some());
    }
}
