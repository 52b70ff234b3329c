// SPDX-License-Identifier: GPL-2.0

/*
 * The fifth mistake: one file for all namespaces to read, and one setting for all
 * of them to write.
 */

#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct arrivals {
	atomic64_t arrived;
};

static unsigned int arrivals_id;
static u8 counting = 1;

static unsigned int count(void *unused, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct arrivals *arrivals = net_generic(state->net, arrivals_id);

	if (READ_ONCE(counting))
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
	struct arrivals *arrivals;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net) {
		arrivals = net_generic(net, arrivals_id);
		seq_printf(file, "net:[%u] arrived %lld\n", net->ns.inum,
			   atomic64_read(&arrivals->arrived));
	}
	rcu_read_unlock();
	return 0;
}

static const struct ctl_table settings[] = {
	{
		.procname = "counting",
		.data = &counting,
		.maxlen = sizeof(counting),
		.mode = 0644,
		.proc_handler = proc_dou8vec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_ONE,
	},
};

static struct ctl_table_header *header;

static int __net_init one_file_init(struct net *net)
{
	return nf_register_net_hook(net, &hook);
}

static void __net_exit one_file_exit(struct net *net)
{
	nf_unregister_net_hook(net, &hook);
}

static struct pernet_operations operations = {
	.init = one_file_init,
	.exit = one_file_exit,
	.id = &arrivals_id,
	.size = sizeof(struct arrivals),
};

static int __init one_file_load(void)
{
	int error = register_pernet_subsys(&operations);

	if (error)
		return error;
	header = register_sysctl("net/one_file", settings);
	if (header && proc_create_single("one_file", 0444, NULL, show))
		return 0;
	if (header)
		unregister_sysctl_table(header);
	unregister_pernet_subsys(&operations);
	return -ENOMEM;
}

static void __exit one_file_unload(void)
{
	remove_proc_entry("one_file", NULL);
	unregister_sysctl_table(header);
	unregister_pernet_subsys(&operations);
}

module_init(one_file_load);
module_exit(one_file_unload);
MODULE_DESCRIPTION("Guide to namespaces: one file for all of them");
MODULE_LICENSE("GPL");
