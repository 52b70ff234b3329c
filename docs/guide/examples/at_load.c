// SPDX-License-Identifier: GPL-2.0

/*
 * The fourth mistake: looks for the namespaces when the module is loaded, and
 * holds on to them until it is unloaded.
 */

#include <linux/list.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/proc_fs.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

struct watched {
	struct list_head list;
	struct net *net;
	struct nf_hook_ops hook;
	atomic64_t arrived;
};

static LIST_HEAD(all_watched);

static unsigned int count(void *watched, struct sk_buff *skb, const struct nf_hook_state *state)
{
	atomic64_inc(&((struct watched *)watched)->arrived);
	return NF_ACCEPT;
}

static int show(struct seq_file *file, void *unused)
{
	struct watched *watched = pde_data(file_inode(file->file));

	seq_printf(file, "arrived %lld\n", atomic64_read(&watched->arrived));
	return 0;
}

static int watch(struct net *net)
{
	struct watched *watched;
	int error;

	watched = kzalloc(sizeof(*watched), GFP_KERNEL);
	if (!watched)
		return -ENOMEM;
	/* So that it is still there to be unhooked; it may be dying already. */
	watched->net = maybe_get_net(net);
	if (!watched->net) {
		kfree(watched);
		return 0;
	}
	watched->hook = (struct nf_hook_ops) {
		.hook = count,
		.priv = watched,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
	};
	error = nf_register_net_hook(net, &watched->hook);
	if (error) {
		put_net(net);
		kfree(watched);
		return error;
	}
	list_add(&watched->list, &all_watched);
	proc_create_net_single("at_load", 0444, net->proc_net, show, watched);
	return 0;
}

static void at_load_unload(void)
{
	struct watched *watched, *next;

	list_for_each_entry_safe(watched, next, &all_watched, list) {
		remove_proc_entry("at_load", watched->net->proc_net);
		nf_unregister_net_hook(watched->net, &watched->hook);
		synchronize_rcu();
		put_net(watched->net);
		kfree(watched);
	}
}

static int __init at_load_load(void)
{
	struct net *net;
	int error = 0;

	down_read(&net_rwsem);
	for_each_net(net) {
		error = watch(net);
		if (error)
			break;
	}
	up_read(&net_rwsem);
	if (error)
		at_load_unload();
	return error;
}

module_init(at_load_load);
module_exit(at_load_unload);
MODULE_DESCRIPTION("Guide to namespaces: only those that are there at the load");
MODULE_LICENSE("GPL");
