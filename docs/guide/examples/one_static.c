// SPDX-License-Identifier: GPL-2.0

/*
 * The first mistake: counts the IPv4 packets that arrive in each namespace, all
 * of them in one static variable.
 */

#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

static atomic64_t arrived;

static unsigned int count(void *unused, struct sk_buff *skb, const struct nf_hook_state *state)
{
	atomic64_inc(&arrived);
	return NF_ACCEPT;
}

static const struct nf_hook_ops hook = {
	.hook = count,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_IN,
};

static int show(struct seq_file *file, void *unused)
{
	seq_printf(file, "arrived %lld\n", atomic64_read(&arrived));
	return 0;
}

static int __net_init one_static_init(struct net *net)
{
	int error;

	error = nf_register_net_hook(net, &hook);
	if (error)
		return error;
	if (!proc_create_net_single("one_static", 0444, net->proc_net, show, NULL)) {
		nf_unregister_net_hook(net, &hook);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit one_static_exit(struct net *net)
{
	remove_proc_entry("one_static", net->proc_net);
	nf_unregister_net_hook(net, &hook);
}

static struct pernet_operations operations = {
	.init = one_static_init,
	.exit = one_static_exit,
};

static int __init one_static_load(void)
{
	return register_pernet_subsys(&operations);
}

static void __exit one_static_unload(void)
{
	unregister_pernet_subsys(&operations);
}

module_init(one_static_load);
module_exit(one_static_unload);
MODULE_DESCRIPTION("Guide to namespaces: one static variable for all of them");
MODULE_LICENSE("GPL");
