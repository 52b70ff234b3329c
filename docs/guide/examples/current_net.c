// SPDX-License-Identifier: GPL-2.0

/*
 * The second mistake: counts the IPv4 packets that arrive in each namespace, and
 * takes the namespace of whoever runs just now for that of the packet.
 */

#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct arrivals {
	atomic64_t arrived;
};

static unsigned int arrivals_id;

static unsigned int count(void *unused, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct arrivals *arrivals;

	/* A task that exits has no namespaces any more. */
	if (!current->nsproxy)
		return NF_ACCEPT;
	arrivals = net_generic(current->nsproxy->net_ns, arrivals_id);
	atomic64_inc(&arrivals->arrived);
	return NF_ACCEPT;
}

static const struct nf_hook_ops hook = {
	.hook = count,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_IN,
};

static int show(struct seq_file *file, void *unused)
{
	struct arrivals *arrivals = net_generic(seq_file_single_net(file), arrivals_id);

	seq_printf(file, "arrived %lld\n", atomic64_read(&arrivals->arrived));
	return 0;
}

static int __net_init current_net_init(struct net *net)
{
	int error;

	error = nf_register_net_hook(net, &hook);
	if (error)
		return error;
	if (!proc_create_net_single("current_net", 0444, net->proc_net, show, NULL)) {
		nf_unregister_net_hook(net, &hook);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit current_net_exit(struct net *net)
{
	remove_proc_entry("current_net", net->proc_net);
	nf_unregister_net_hook(net, &hook);
}

static struct pernet_operations operations = {
	.init = current_net_init,
	.exit = current_net_exit,
	.id = &arrivals_id,
	.size = sizeof(struct arrivals),
};

static int __init current_net_load(void)
{
	return register_pernet_subsys(&operations);
}

static void __exit current_net_unload(void)
{
	unregister_pernet_subsys(&operations);
}

module_init(current_net_load);
module_exit(current_net_unload);
MODULE_DESCRIPTION("Guide to namespaces: the namespace is assumed");
MODULE_LICENSE("GPL");
