// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernels that are known to be bad for network namespaces, and why. The versions
//! are those of the releases on kernel.org that have the change which mended it; a
//! distribution may have mended its own earlier.

/// Major, minor, patch.
pub type Version = (u32, u32, u32);

pub struct Problem {
    pub name: &'static str,
    pub says: &'static str,
    /// The first release that has it.
    since: Version,
    /// The first release of each series that does not; the last one, and all that
    /// came after it, never had it. Series that are not here were given up.
    mended: &'static [Version],
}

pub const PROBLEMS: &[Problem] = &[
    Problem {
        name: "CVE-2022-0185",
        says: "an ordinary user with a user namespace can become root",
        since: (5, 1, 0),
        mended: &[
            (5, 4, 173),
            (5, 10, 93),
            (5, 15, 16),
            (5, 16, 2),
            (5, 17, 0),
        ],
    },
    Problem {
        name: "CVE-2024-1086",
        says: "who has a network namespace of his own can become root, by nftables",
        since: (3, 15, 0),
        mended: &[
            (5, 4, 269),
            (5, 10, 210),
            (5, 15, 149),
            (6, 1, 76),
            (6, 6, 15),
            (6, 7, 3),
            (6, 8, 0),
        ],
    },
    Problem {
        name: "CVE-2024-40958",
        says: "a namespace that is going can be used after it was freed, by the ioctls that lead from a socket or a tun device to its namespace",
        since: (5, 2, 0),
        mended: &[
            (5, 4, 279),
            (5, 10, 221),
            (5, 15, 162),
            (6, 1, 96),
            (6, 6, 36),
            (6, 9, 7),
            (6, 10, 0),
        ],
    },
    Problem {
        name: "CVE-2024-50036",
        says: "the kernel can crash when a namespace that had IPv6 routes goes",
        since: (3, 16, 0),
        mended: &[
            (5, 10, 230),
            (5, 15, 172),
            (6, 1, 117),
            (6, 6, 57),
            (6, 11, 4),
            (6, 12, 0),
        ],
    },
    Problem {
        name: "CVE-2025-71097",
        says: "blackhole routes with nexthop objects keep a deleted device for ever, and what deletes one waits (`unregister_netdevice: waiting for ... to become free`)",
        since: (5, 3, 0),
        mended: &[
            (5, 10, 248),
            (5, 15, 198),
            (6, 1, 160),
            (6, 6, 120),
            (6, 12, 64),
            (6, 18, 4),
            (6, 19, 0),
        ],
    },
];

impl Problem {
    pub fn is_in(&self, version: Version) -> bool {
        let series = |(major, minor, _): Version| (major, minor);
        let never_again = self.mended.last().is_some_and(|&mended| version >= mended);
        let mended = (self.mended.iter())
            .any(|&mended| series(mended) == series(version) && version >= mended);
        version >= self.since && !never_again && !mended
    }

    /// The release of its own series that a kernel should become, or a later series.
    pub fn cure(&self, (major, minor, _): Version) -> Option<Version> {
        let of_series = (self.mended.iter()).find(|mended| (mended.0, mended.1) == (major, minor));
        of_series.or(self.mended.last()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_in_what_came_before_it_was_mended() {
        let problem = |name| {
            PROBLEMS
                .iter()
                .find(|problem| problem.name == name)
                .unwrap()
        };
        let refcount = problem("CVE-2024-40958");
        for (version, is_in) in [
            ((5, 1, 21), false),
            ((5, 2, 0), true),
            // A series that nobody mends any more.
            ((5, 19, 17), true),
            ((6, 1, 95), true),
            ((6, 1, 96), false),
            ((6, 1, 200), false),
            ((6, 9, 6), true),
            ((6, 9, 7), false),
            ((6, 10, 0), false),
            ((7, 3, 4), false),
        ] {
            assert_eq!(refcount.is_in(version), is_in, "{version:?}");
        }
        assert_eq!(refcount.cure((6, 1, 3)), Some((6, 1, 96)));
        assert_eq!(refcount.cure((5, 19, 17)), Some((6, 10, 0)));
    }

    #[test]
    fn tables_are_in_order() {
        for problem in PROBLEMS {
            assert!(problem.mended.is_sorted(), "{}", problem.name);
            assert!(problem.mended[0] > problem.since, "{}", problem.name);
        }
    }
}
