// SPDX-License-Identifier: GPL-2.0

//! What differs between the kernels that the module is built for, Linux 7.2 and 7.3.
//!
//! `Kbuild` finds out what the kernel at hand lacks, and says so by these `cfg`s:
//!
//! * `pernet_binds_netlink`: bindings of generic netlink and of network namespaces;
//! * `pernet_old_rcu_state`: the name `rcu_gp_seq` of a state of RCU;
//! * `pernet_covariant_is_for_lt`: the distinction between types whose lifetime may be shortened and
//!   others: all are such types, and are called `ForLt`;
//! * `pernet_no_bool_parameters`: parameters of modules that are of the type `bool`.
//!
//! Everything else in the module is written for the newer kernel.

/// The macro of this name, which here takes no parameters of the type `bool`: numbers stand for
/// them.
#[cfg(pernet_no_bool_parameters)]
macro_rules! module {
    (
        type: $type:tt,
        name: $name:tt,
        authors: $authors:tt,
        description: $description:tt,
        license: $license:tt,
        alias: $alias:tt,
        params: {
            $on:ident: bool { default: true, description: $about_on:tt, },
            $off:ident: bool { default: false, description: $about_off:tt, },
        },
    ) => {
        kernel::prelude::module! {
            type: $type,
            name: $name,
            authors: $authors,
            description: $description,
            license: $license,
            alias: $alias,
            params: {
                $on: u8 { default: 1, description: $about_on, },
                $off: u8 { default: 0, description: $about_off, },
            },
        }
    };
}
#[cfg(not(pernet_no_bool_parameters))]
pub(crate) use kernel::prelude::module;
#[cfg(pernet_no_bool_parameters)]
pub(crate) use module;

/// Whether a parameter of the module is on, by its `value()`.
#[cfg(not(pernet_no_bool_parameters))]
pub(crate) fn is_on(value: bool) -> bool {
    value
}

/// Whether a parameter of the module is on, by its `value()`.
#[cfg(pernet_no_bool_parameters)]
pub(crate) fn is_on(value: &u8) -> bool {
    *value != 0
}

#[cfg(not(pernet_covariant_is_for_lt))]
pub(crate) use kernel::types::CovariantForLt;
#[cfg(pernet_covariant_is_for_lt)]
pub(crate) use kernel::types::ForLt as CovariantForLt;

/// The C interfaces: the kernel's own bindings, and ours of what it does not bind.
pub(super) mod bindings {
    pub(in super::super) use kernel::bindings::*;

    #[cfg(pernet_binds_netlink)]
    pub(in super::super) use super::own::*;
    // Those that the kernel's own know by their names only.
    #[cfg(pernet_binds_netlink)]
    pub(in super::super) use super::own::{
        net,
        nla_policy, //
    };

    #[cfg(pernet_old_rcu_state)]
    pub(in super::super) use kernel::bindings::rcu_gp_oldstate as rcu_gp_seq;
}

/// What bindgen made of `kmod/net/bindings.h`, in terms of what it made of the kernel's headers.
#[cfg(pernet_binds_netlink)]
#[allow(
    clippy::all,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    reason = "generated"
)]
mod own {
    use kernel::{
        bindings::*,
        ffi, //
    };
    use pin_init::MaybeZeroable;

    include!(env!("PERNET_BINDINGS"));
}
