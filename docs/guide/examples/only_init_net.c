// SPDX-License-Identifier: GPL-2.0

/*
 * The third mistake: a file in each namespace that shows the devices of the
 * initial one.
 */

#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

static int show(struct seq_file *file, void *unused)
{
	struct net_device *device;

	rcu_read_lock();
	for_each_netdev_rcu(&init_net, device)
		seq_printf(file, "%s mtu %u\n", device->name, READ_ONCE(device->mtu));
	rcu_read_unlock();
	return 0;
}

static int __net_init only_init_net_init(struct net *net)
{
	if (!proc_create_net_single("only_init_net", 0444, net->proc_net, show, NULL))
		return -ENOMEM;
	return 0;
}

static void __net_exit only_init_net_exit(struct net *net)
{
	remove_proc_entry("only_init_net", net->proc_net);
}

static struct pernet_operations operations = {
	.init = only_init_net_init,
	.exit = only_init_net_exit,
};

static int __init only_init_net_load(void)
{
	return register_pernet_subsys(&operations);
}

static void __exit only_init_net_unload(void)
{
	unregister_pernet_subsys(&operations);
}

module_init(only_init_net_load);
module_exit(only_init_net_unload);
MODULE_DESCRIPTION("Guide to namespaces: init_net wherever one asks");
MODULE_LICENSE("GPL");
