// SPDX-License-Identifier: GPL-2.0

//! What the kernel's Rust bindings do not have.
//!
//! The first block is `kmod/shim.c`; the second is what the kernel exports to modules from headers
//! that bindgen is not shown.

use super::compat::bindings::{
    file,
    genl_info,
    net,
    net_device,
    netlink_callback,
    notifier_block,
    proc_dir_entry,
    rcu_gp_seq,
    seq_file,
    sk_buff,
    sock, //
};
use kernel::ffi::{
    c_char,
    c_int,
    c_uint,
    c_ulong,
    c_void, //
};

/// `struct nf_hook_ops`, made by the shim and known to C only.
#[repr(C)]
pub(super) struct NfHookOps {
    _opaque: [u8; 0],
}

/// `struct nf_hook_state`, as far as the module looks into it.
#[repr(C)]
pub(super) struct NfHookState {
    pub(super) hook: u8,
    pub(super) pf: u8,
}

/// `nf_hookfn`.
pub(super) type NfHookFn =
    unsafe extern "C" fn(*mut c_void, *mut sk_buff, *const NfHookState) -> c_uint;

/// The type of a probe on the tracepoint `kfree_skb`.
pub(super) type KfreeSkbFn =
    unsafe extern "C" fn(*mut c_void, *mut sk_buff, *mut c_void, c_uint, *const sock);

/// `struct drop_reason_list`.
#[repr(C)]
pub(super) struct DropReasonList {
    pub(super) reasons: *const *const c_char,
    pub(super) n_reasons: usize,
}

#[allow(
    improper_ctypes,
    reason = "kernel types hold bindgen's zero-sized fields"
)]
unsafe extern "C" {
    pub(super) fn pernet_shim_maybe_get_net(net: *mut net) -> *mut net;
    pub(super) fn pernet_shim_put_net(net: *mut net);
    pub(super) fn pernet_shim_net_inode(net: *const net) -> u32;
    pub(super) fn pernet_shim_net_user_ns_inode(net: *const net) -> u32;
    pub(super) fn pernet_shim_net_generic(net: *const net, id: c_uint) -> *mut c_void;

    pub(super) fn pernet_shim_get_state_synchronize_rcu_full(state: *mut rcu_gp_seq);
    pub(super) fn pernet_shim_cond_synchronize_rcu_full(state: *mut rcu_gp_seq);

    pub(super) static pernet_shim_netdev_up: c_ulong;
    pub(super) static pernet_shim_netdev_down: c_ulong;
    pub(super) static pernet_shim_netdev_register: c_ulong;
    pub(super) static pernet_shim_netdev_unregister: c_ulong;
    pub(super) static pernet_shim_netdev_changename: c_ulong;
    pub(super) fn pernet_shim_notifier_info_to_dev(info: *const c_void) -> *mut net_device;
    pub(super) fn pernet_shim_dev_net(dev: *const net_device) -> *mut net;
    pub(super) fn pernet_shim_dev_ifindex(dev: *const net_device) -> u32;
    pub(super) fn pernet_shim_dev_name(dev: *const net_device) -> *const c_char;
    pub(super) fn pernet_shim_dev_is_registered(dev: *const net_device) -> bool;
    pub(super) fn pernet_shim_next_net_device(
        net: *mut net,
        dev: *mut net_device,
    ) -> *mut net_device;

    pub(super) fn pernet_shim_register_kfree_skb(probe: KfreeSkbFn, data: *mut c_void) -> c_int;
    pub(super) fn pernet_shim_unregister_kfree_skb(probe: KfreeSkbFn, data: *mut c_void) -> c_int;
    pub(super) fn pernet_shim_tracepoint_synchronize_unregister();
    pub(super) fn pernet_shim_skb_dev(skb: *const sk_buff) -> usize;
    pub(super) fn pernet_shim_sock_net(sk: *const sock) -> usize;
    pub(super) fn pernet_shim_drop_reasons(subsys: c_uint) -> *const DropReasonList;

    pub(super) fn pernet_shim_nf_hook_ops_alloc(n: usize) -> *mut NfHookOps;
    pub(super) fn pernet_shim_nf_hook_ops_set(
        ops: *mut NfHookOps,
        i: usize,
        hook: NfHookFn,
        private: *mut c_void,
        pf: u8,
        hooknum: c_uint,
        priority: c_int,
    );

    pub(super) fn pernet_shim_alloc_percpu(n: usize) -> *mut u64;
    pub(super) fn pernet_shim_this_cpu_add(counter: *mut u64, n: u64);
    pub(super) fn pernet_shim_per_cpu_ptr(counters: *const u64, cpu: c_uint) -> *const u64;
    pub(super) fn pernet_shim_cpu_possible(cpu: c_uint) -> bool;

    pub(super) fn pernet_shim_genl_info_net(info: *const genl_info) -> *mut net;
    pub(super) static pernet_shim_genlmsg_default_size: usize;
    pub(super) fn pernet_shim_genlmsg_new(payload: usize, flags: c_uint) -> *mut sk_buff;
    pub(super) fn pernet_shim_genlmsg_end(skb: *mut sk_buff, header: *mut c_void);
    pub(super) fn pernet_shim_genlmsg_cancel(skb: *mut sk_buff, header: *mut c_void);
    pub(super) fn pernet_shim_nlmsg_free(skb: *mut sk_buff);
    pub(super) fn pernet_shim_genlmsg_reply(skb: *mut sk_buff, info: *mut genl_info) -> c_int;
    pub(super) fn pernet_shim_genl_dump_check_consistent(
        cb: *mut netlink_callback,
        user_hdr: *mut c_void,
    );
    pub(super) fn pernet_shim_skb_get(skb: *mut sk_buff) -> *mut sk_buff;
    pub(super) fn pernet_shim_consume_skb(skb: *mut sk_buff);
    pub(super) fn pernet_shim_nlmsg_multicast_filtered(
        sk: *mut sock,
        skb: *mut sk_buff,
        group: c_uint,
        filter: unsafe extern "C" fn(*mut sock, *mut sk_buff, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
    pub(super) fn pernet_shim_sock_file(sk: *const sock) -> *const file;
    pub(super) fn pernet_shim_skb_tail_pointer(skb: *const sk_buff) -> *mut u8;
    pub(super) fn pernet_shim_skb_tailroom(skb: *const sk_buff) -> c_int;

    pub(super) fn pernet_shim_seq_pde_data(seq: *const seq_file) -> *mut c_void;
    pub(super) fn pernet_shim_seq_net(seq: *mut seq_file) -> *mut net;
}

#[allow(
    improper_ctypes,
    reason = "kernel types hold bindgen's zero-sized fields"
)]
unsafe extern "C" {
    pub(super) fn sort(
        base: *mut c_void,
        num: usize,
        size: usize,
        cmp: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
        swap: *const c_void,
    );

    pub(super) fn rtnl_lock();
    pub(super) fn rtnl_unlock();

    pub(super) fn register_netdevice_notifier(nb: *mut notifier_block) -> c_int;
    pub(super) fn unregister_netdevice_notifier(nb: *mut notifier_block) -> c_int;
    pub(super) fn dev_get_by_name_rcu(net: *mut net, name: *const c_char) -> *mut net_device;

    pub(super) fn nf_register_net_hooks(net: *mut net, ops: *const NfHookOps, n: c_uint) -> c_int;
    pub(super) fn nf_unregister_net_hooks(net: *mut net, ops: *const NfHookOps, n: c_uint);

    pub(super) fn proc_create_net_single(
        name: *const c_char,
        mode: u16,
        parent: *mut proc_dir_entry,
        show: unsafe extern "C" fn(*mut seq_file, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> *mut proc_dir_entry;
    pub(super) fn remove_proc_entry(name: *const c_char, parent: *mut proc_dir_entry);
}
