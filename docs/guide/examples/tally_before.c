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
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>
#include <net/ip.h>
#include <net/net_namespace.h>

static atomic64_t answered;
static atomic64_t refused;
static atomic_t devices;
static unsigned int limit = UINT_MAX;

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
	if (!is_ping(skb))
		return NF_ACCEPT;
	if (atomic64_read(&answered) >= READ_ONCE(limit)) {
		atomic64_inc(&refused);
		return NF_DROP;
	}
	atomic64_inc(&answered);
	return NF_ACCEPT;
}

static const struct nf_hook_ops tally_hook = {
	.hook = tally_packet,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_IN,
};

static int tally_device(struct notifier_block *block, unsigned long event, void *info)
{
	if (event == NETDEV_REGISTER)
		atomic_inc(&devices);
	else if (event == NETDEV_UNREGISTER)
		atomic_dec(&devices);
	return NOTIFY_DONE;
}

static struct notifier_block tally_notifier = {
	.notifier_call = tally_device,
};

static int tally_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "answered %lld\nrefused %lld\ndevices %d\n", atomic64_read(&answered),
		   atomic64_read(&refused), atomic_read(&devices));
	return 0;
}

static const struct ctl_table tally_settings[] = {
	{
		.procname = "limit",
		.data = &limit,
		.maxlen = sizeof(limit),
		.mode = 0644,
		.proc_handler = proc_douintvec,
	},
};

static struct ctl_table_header *tally_header;

static int __init tally_load(void)
{
	int error;

	tally_header = register_sysctl("net/tally", tally_settings);
	if (!tally_header)
		return -ENOMEM;
	if (!proc_create_single("tally", 0444, init_net.proc_net, tally_show)) {
		error = -ENOMEM;
		goto no_file;
	}
	error = register_netdevice_notifier(&tally_notifier);
	if (error)
		goto no_notifier;
	error = nf_register_net_hook(&init_net, &tally_hook);
	if (error)
		goto no_hook;
	return 0;

no_hook:
	unregister_netdevice_notifier(&tally_notifier);
no_notifier:
	remove_proc_entry("tally", init_net.proc_net);
no_file:
	unregister_sysctl_table(tally_header);
	return error;
}

static void __exit tally_unload(void)
{
	nf_unregister_net_hook(&init_net, &tally_hook);
	unregister_netdevice_notifier(&tally_notifier);
	remove_proc_entry("tally", init_net.proc_net);
	unregister_sysctl_table(tally_header);
}

module_init(tally_load);
module_exit(tally_unload);
MODULE_DESCRIPTION("Guide to namespaces: a tally of pings and devices");
MODULE_LICENSE("GPL");
