// SPDX-License-Identifier: GPL-2.0

/*
 * tally: counts the pings that this machine is asked to answer and its network
 * devices, and lets no more than a settable number of pings through.
 *
 * As it could have been written before there were network namespaces.
 */

#include <linux/icmp.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/* What each CPU counts by itself. */
struct tally_counts {
	u64 answered;
	u64 refused;
};

/* What each namespace has of its own. */
struct tally {
	struct tally_counts __percpu *counts;
	atomic_t devices;
	unsigned int limit;
	struct ctl_table_header *settings;
};

static unsigned int tally_id;

static struct tally *tally_of(const struct net *net)
{
	return net_generic(net, tally_id);
}

/* A 64-bit kernel reads each number at once. */
static struct tally_counts tally_sums(const struct tally *tally)
{
	struct tally_counts sums = {};
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct tally_counts *counts = per_cpu_ptr(tally->counts, cpu);

		sums.answered += READ_ONCE(counts->answered);
		sums.refused += READ_ONCE(counts->refused);
	}
	return sums;
}

static bool is_ping(const struct sk_buff *skb)
{
	struct icmphdr buffer;
	const struct icmphdr *icmp;

	if (ip_hdr(skb)->protocol != IPPROTO_ICMP || ip_is_fragment(ip_hdr(skb)))
		return false;
	icmp = skb_header_pointer(skb, ip_hdrlen(skb), sizeof(buffer), &buffer);
	return icmp && icmp->type == ICMP_ECHO;
}

static unsigned int tally_packet(void *unused, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct tally *tally = tally_of(state->net);

	if (!is_ping(skb))
		return NF_ACCEPT;
	if (tally_sums(tally).answered >= READ_ONCE(tally->limit)) {
		this_cpu_inc(tally->counts->refused);
		return NF_DROP;
	}
	this_cpu_inc(tally->counts->answered);
	return NF_ACCEPT;
}

static const struct nf_hook_ops tally_hook = {
	.hook = tally_packet,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_IN,
};

static int tally_device(struct notifier_block *block, unsigned long event, void *info)
{
	struct tally *tally = tally_of(dev_net(netdev_notifier_info_to_dev(info)));

	if (event == NETDEV_REGISTER)
		atomic_inc(&tally->devices);
	else if (event == NETDEV_UNREGISTER)
		atomic_dec(&tally->devices);
	return NOTIFY_DONE;
}

static struct notifier_block tally_notifier = {
	.notifier_call = tally_device,
};

static int tally_show(struct seq_file *file, void *unused)
{
	struct tally *tally = tally_of(seq_file_single_net(file));
	struct tally_counts sums = tally_sums(tally);

	seq_printf(file, "answered %llu\nrefused %llu\ndevices %d\n", sums.answered,
		   sums.refused, atomic_read(&tally->devices));
	return 0;
}

/* The limit's place is filled in for each namespace. */
static const struct ctl_table tally_settings[] = {
	{
		.procname = "limit",
		.maxlen = sizeof(unsigned int),
		.mode = 0644,
		.proc_handler = proc_douintvec,
	},
};

static int __net_init tally_init(struct net *net)
{
	struct tally *tally = tally_of(net);
	struct ctl_table *settings;
	int error = -ENOMEM;

	tally->limit = UINT_MAX;
	tally->counts = alloc_percpu(struct tally_counts);
	if (!tally->counts)
		return -ENOMEM;
	settings = kmemdup(tally_settings, sizeof(tally_settings), GFP_KERNEL);
	if (!settings)
		goto no_memory;
	settings[0].data = &tally->limit;
	tally->settings = register_net_sysctl_sz(net, "net/tally", settings,
						 ARRAY_SIZE(tally_settings));
	if (!tally->settings)
		goto no_settings;
	if (!proc_create_net_single("tally", 0444, net->proc_net, tally_show, NULL))
		goto no_file;
	error = nf_register_net_hook(net, &tally_hook);
	if (error)
		goto no_hook;
	return 0;

no_hook:
	remove_proc_entry("tally", net->proc_net);
no_file:
	unregister_net_sysctl_table(tally->settings);
no_settings:
	kfree(settings);
no_memory:
	free_percpu(tally->counts);
	return error;
}

/* Nobody comes to the state any more. A packet may still be on its way with it. */
static void __net_exit tally_pre_exit(struct net *net)
{
	struct tally *tally = tally_of(net);
	const struct ctl_table *settings = tally->settings->ctl_table_arg;

	unregister_net_sysctl_table(tally->settings);
	kfree(settings);
	remove_proc_entry("tally", net->proc_net);
	nf_unregister_net_hook(net, &tally_hook);
}

/* The kernel has waited for RCU since, so nobody has it any more. */
static void __net_exit tally_exit(struct net *net)
{
	free_percpu(tally_of(net)->counts);
}

static struct pernet_operations tally_operations = {
	.init = tally_init,
	.pre_exit = tally_pre_exit,
	.exit = tally_exit,
	.id = &tally_id,
	.size = sizeof(struct tally),
};

static int __init tally_load(void)
{
	int error;

	error = register_pernet_subsys(&tally_operations);
	if (error)
		return error;
	error = register_netdevice_notifier(&tally_notifier);
	if (error)
		unregister_pernet_subsys(&tally_operations);
	return error;
}

static void __exit tally_unload(void)
{
	unregister_netdevice_notifier(&tally_notifier);
	unregister_pernet_subsys(&tally_operations);
}

module_init(tally_load);
module_exit(tally_unload);
MODULE_DESCRIPTION("Guide to namespaces: a tally of pings and devices");
MODULE_LICENSE("GPL");
