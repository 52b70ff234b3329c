// SPDX-License-Identifier: GPL-2.0

/*
 * What the kernel's Rust bindings do not have: inline functions, macros, and
 * types of headers that bindgen is not shown. One line each, no logic. Their
 * Rust side is kmod/net/shim.rs.
 */

#include <linux/error-injection.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <net/dropreason.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <trace/events/skb.h>

/* Network namespaces */

struct net *pernet_shim_maybe_get_net(struct net *net)
{
	return maybe_get_net(net);
}

void pernet_shim_put_net(struct net *net)
{
	put_net(net);
}

u32 pernet_shim_net_inode(const struct net *net)
{
	return net->ns.inum;
}

u32 pernet_shim_net_user_ns_inode(const struct net *net)
{
	return net->user_ns->ns.inum;
}

void *pernet_shim_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}

/* Grace periods; what holds their state has another name in each kernel */

void pernet_shim_get_state_synchronize_rcu_full(void *state)
{
	get_state_synchronize_rcu_full(state);
}

void pernet_shim_cond_synchronize_rcu_full(void *state)
{
	cond_synchronize_rcu_full(state);
}

/* Network devices */

const unsigned long pernet_shim_netdev_up = NETDEV_UP;
const unsigned long pernet_shim_netdev_down = NETDEV_DOWN;
const unsigned long pernet_shim_netdev_register = NETDEV_REGISTER;
const unsigned long pernet_shim_netdev_unregister = NETDEV_UNREGISTER;
const unsigned long pernet_shim_netdev_changename = NETDEV_CHANGENAME;

struct net_device *pernet_shim_notifier_info_to_dev(const struct netdev_notifier_info *info)
{
	return netdev_notifier_info_to_dev(info);
}

struct net *pernet_shim_dev_net(const struct net_device *dev)
{
	return dev_net(dev);
}

u32 pernet_shim_dev_ifindex(const struct net_device *dev)
{
	return dev->ifindex;
}

const char *pernet_shim_dev_name(const struct net_device *dev)
{
	return dev->name;
}

bool pernet_shim_dev_is_registered(const struct net_device *dev)
{
	return dev->reg_state == NETREG_REGISTERED;
}

struct net_device *pernet_shim_next_net_device(struct net *net, struct net_device *dev)
{
	return dev ? next_net_device(dev) : first_net_device(net);
}

/* Dropped packets */

typedef void kfree_skb_probe(void *data, struct sk_buff *skb, void *location,
			     enum skb_drop_reason reason, const struct sock *rx_sk);

int pernet_shim_register_kfree_skb(kfree_skb_probe *probe, void *data)
{
	return register_trace_kfree_skb(probe, data);
}

int pernet_shim_unregister_kfree_skb(kfree_skb_probe *probe, void *data)
{
	return unregister_trace_kfree_skb(probe, data);
}

void pernet_shim_tracepoint_synchronize_unregister(void)
{
	tracepoint_synchronize_unregister();
}

unsigned long pernet_shim_skb_dev(const struct sk_buff *skb)
{
	return (unsigned long)skb->dev;
}

unsigned long pernet_shim_sock_net(const struct sock *sk)
{
	return (unsigned long)sock_net(sk);
}

const struct drop_reason_list *pernet_shim_drop_reasons(unsigned int subsys)
{
	return subsys < SKB_DROP_REASON_SUBSYS_NUM ?
	       rcu_dereference(drop_reasons_by_subsys[subsys]) : NULL;
}

/* Netfilter hooks */

/* What the Rust side knows of it. */
static_assert(offsetof(struct nf_hook_state, hook) == 0 && offsetof(struct nf_hook_state, pf) == 1);

struct nf_hook_ops *pernet_shim_nf_hook_ops_alloc(size_t n)
{
	return kcalloc(n, sizeof(struct nf_hook_ops), GFP_KERNEL);
}

void pernet_shim_nf_hook_ops_set(struct nf_hook_ops *ops, size_t i, nf_hookfn *hook, void *priv,
				 u8 pf, unsigned int hooknum, int priority)
{
	ops[i] = (struct nf_hook_ops) {
		.hook = hook,
		.priv = priv,
		.pf = pf,
		.hooknum = hooknum,
		.priority = priority,
	};
}

/* Per-CPU counters */

u64 __percpu *pernet_shim_alloc_percpu(size_t n)
{
	return __alloc_percpu(n * sizeof(u64), __alignof__(u64));
}
/* Lets tests see what becomes of it: the kernel has no other way to make this fail. */
ALLOW_ERROR_INJECTION(pernet_shim_alloc_percpu, NULL);

void pernet_shim_this_cpu_add(u64 __percpu *counter, u64 n)
{
	this_cpu_add(*counter, n);
}

const u64 *pernet_shim_per_cpu_ptr(const u64 __percpu *counters, unsigned int cpu)
{
	return per_cpu_ptr(counters, cpu);
}

bool pernet_shim_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

/* Generic netlink */

struct net *pernet_shim_genl_info_net(const struct genl_info *info)
{
	return genl_info_net(info);
}

const size_t pernet_shim_genlmsg_default_size = GENLMSG_DEFAULT_SIZE;

struct sk_buff *pernet_shim_genlmsg_new(size_t payload, gfp_t flags)
{
	return genlmsg_new(payload, flags);
}

void pernet_shim_genlmsg_end(struct sk_buff *skb, void *header)
{
	genlmsg_end(skb, header);
}

void pernet_shim_genlmsg_cancel(struct sk_buff *skb, void *header)
{
	genlmsg_cancel(skb, header);
}

void pernet_shim_nlmsg_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
}

int pernet_shim_genlmsg_reply(struct sk_buff *skb, struct genl_info *info)
{
	return genlmsg_reply(skb, info);
}

void pernet_shim_genl_dump_check_consistent(struct netlink_callback *cb, void *user_hdr)
{
	genl_dump_check_consistent(cb, user_hdr);
}

struct sk_buff *pernet_shim_skb_get(struct sk_buff *skb)
{
	return skb_get(skb);
}

void pernet_shim_consume_skb(struct sk_buff *skb)
{
	consume_skb(skb);
}

int pernet_shim_nlmsg_multicast_filtered(struct sock *sk, struct sk_buff *skb, unsigned int group,
					 netlink_filter_fn filter, void *data)
{
	return nlmsg_multicast_filtered(sk, skb, 0, group, GFP_ATOMIC, filter, data);
}

const struct file *pernet_shim_sock_file(const struct sock *sk)
{
	return sk->sk_socket->file;
}

unsigned char *pernet_shim_skb_tail_pointer(const struct sk_buff *skb)
{
	return skb_tail_pointer(skb);
}

int pernet_shim_skb_tailroom(const struct sk_buff *skb)
{
	return skb_tailroom(skb);
}

/* Files in /proc/net */

void *pernet_shim_seq_pde_data(const struct seq_file *seq)
{
	return pde_data(file_inode(seq->file));
}

struct net *pernet_shim_seq_net(struct seq_file *seq)
{
	return seq_file_single_net(seq);
}
