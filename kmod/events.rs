// SPDX-License-Identifier: GPL-2.0

//! What happens to namespaces, told to those who listen: the multicast group `events` of the
//! netlink family.

use crate::{
    net::{
        multicast::Channel,
        namespace::Net,
        netdevice::Device,
        netlink::Writer, //
    },
    settings::{
        switch,
        Settings, //
    },
    uapi,
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Tells of events. Any context but hard interrupts; nothing here sleeps.
pub(crate) struct Events {
    channel: Arc<Channel>,
}

impl Events {
    /// Tells whoever listens to `channel`.
    pub(crate) fn new(channel: Arc<Channel>) -> Self {
        Self { channel }
    }

    /// Where the listeners are.
    pub(crate) fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// A namespace is being made.
    pub(crate) fn born(&self, net: &Net) {
        self.tell(net, uapi::event_kind::BORN, |_| Ok(()));
    }

    /// A namespace is gone, after so many nanoseconds of teardown.
    pub(crate) fn died(&self, net: &Net, teardown: u64) {
        self.tell(net, uapi::event_kind::DIED, |message| {
            message.put_uint(uapi::event::TEARDOWN, teardown)
        });
    }

    /// Something has happened to a device of a namespace; `kind` is one of those about devices.
    pub(crate) fn device(&self, net: &Net, kind: u8, device: &Device) {
        self.tell(net, kind, |message| {
            message.put_u32(uapi::event::DEVICE_INDEX, device.index())?;
            message.put_str(uapi::event::DEVICE_NAME, device.name())
        });
    }

    /// A namespace counts something else now.
    pub(crate) fn settings(&self, net: &Net, settings: &Settings<'_>) {
        self.tell(net, uapi::event_kind::SETTINGS, |message| {
            let traffic = switch(settings.counts_traffic());
            let drops = switch(settings.counts_drops());
            message.put_u8(uapi::event::COUNT_TRAFFIC, traffic)?;
            message.put_u8(uapi::event::COUNT_DROPS, drops)
        });
    }

    /// A namespace counts from zero, in this epoch.
    pub(crate) fn reset(&self, net: &Net, epoch: u64) {
        self.tell(net, uapi::event_kind::RESET, |message| {
            message.put_uint(uapi::event::EPOCH, epoch)
        });
    }

    fn tell(&self, net: &Net, kind: u8, about: impl Fn(&mut Writer<'_>) -> Result) {
        use uapi::event::*;

        self.channel
            .send(net, uapi::cmd::EVENT, |message, listener| {
                message.put_u8(KIND, kind)?;
                message.put_uint(COOKIE, net.cookie())?;
                if let Some(nsid) = listener.nsid_of(net) {
                    message.put_s32(NSID, nsid)?;
                }
                message.put_uint(INODE, net.inode().into())?;
                message.put_uint(USERNS_INODE, net.user_ns_inode().into())?;
                about(message)
            });
    }
}
