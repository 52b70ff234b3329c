// SPDX-License-Identifier: MIT OR Apache-2.0

//! A stack for a child.

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::slice;

use nix::libc::c_void;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Deep enough for an event loop; pages that are not reached cost nothing.
const LENGTH: NonZeroUsize = NonZeroUsize::new(256 * 1024).expect("it is not zero");

/// No access is allowed to this much at its end, whatever the size of a page.
const GUARD: usize = 64 * 1024;

/// Memory that the kernel has zeroed and nothing has touched, with a guard: who
/// goes too deep dies of it, and writes into nothing else.
pub struct Stack(NonNull<c_void>);

impl Stack {
    pub fn new() -> nix::Result<Self> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_STACK | MapFlags::MAP_NORESERVE;
        // SAFETY: it is new memory, where the kernel chooses.
        let stack = Stack(unsafe { mmap_anonymous(None, LENGTH, protection, flags) }?);
        // SAFETY: it is the beginning of that memory, to which nothing refers yet.
        unsafe { mprotect(stack.0, GUARD, ProtFlags::PROT_NONE) }?;
        Ok(stack)
    }

    /// All that may be used.
    pub fn room(&mut self) -> &mut [u8] {
        // SAFETY: it is memory of this value, zeroed, and as long as this; it is
        // lent for as long as this value is.
        unsafe {
            let begin = self.0.cast::<u8>().add(GUARD);
            slice::from_raw_parts_mut(begin.as_ptr(), LENGTH.get() - GUARD)
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: it is memory of this value, and nothing refers to it any more.
        let _ = unsafe { munmap(self.0, LENGTH.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_room_can_be_used() {
        let mut stack = Stack::new().unwrap();
        let room = stack.room();
        assert!(room.len() >= 128 * 1024);
        room.fill(1);
        assert!(room.iter().all(|&byte| byte == 1));
    }
}
