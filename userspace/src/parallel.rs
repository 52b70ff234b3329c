// SPDX-License-Identifier: MIT OR Apache-2.0

//! Looking at many things at once, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// How many things a thread takes at a time: enough that the threads are seldom
/// in each other's way, and few enough that they end together.
const AT_A_TIME: usize = 16;

/// How many cores there are to work. The standard library would look for limits of
/// control groups too, in a list of all mounts, of which each node is one.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    let count = |cores: CpuSet| {
        let usable = |&core: &usize| cores.is_set(core) == Ok(true);
        (0..CpuSet::count()).filter(usable).count()
    };
    *CORES.get_or_init(|| sched_getaffinity(Pid::from_raw(0)).map_or(1, count))
}

/// What `work` makes of each of `items`, in their order. It runs in threads of its
/// own, each with what `prepare` makes for it, so it may go where the caller's
/// thread must not.
pub fn map<T: Sync, S, R: Send>(
    items: &[T],
    prepare: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let parts = Mutex::new(Vec::new());
    let worker = || {
        let mut own = prepare();
        loop {
            let begin = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
            if begin >= items.len() {
                return;
            }
            let part = &items[begin..items.len().min(begin + AT_A_TIME)];
            let part: Vec<R> = part.iter().map(|item| work(&mut own, item)).collect();
            let mut parts = parts.lock().unwrap_or_else(|lock| lock.into_inner());
            parts.push((begin, part));
        }
    };
    let cores = cores();
    thread::scope(|scope| {
        for _ in 0..cores.min(items.len().div_ceil(AT_A_TIME)) {
            scope.spawn(worker);
        }
    });
    let mut parts = parts.into_inner().unwrap_or_else(|lock| lock.into_inner());
    parts.sort_unstable_by_key(|&(begin, _)| begin);
    parts.into_iter().flat_map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for length in [0, 1, AT_A_TIME, 1000] {
            let items: Vec<usize> = (0..length).collect();
            let doubled = map(&items, || 2, |factor, item| item * *factor);
            assert!(doubled.iter().copied().eq((0..length).map(|item| item * 2)));
        }
    }
}
