// SPDX-License-Identifier: MIT OR Apache-2.0

//! Links of a session, with their interfaces and options.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use roxmltree::Node as Element;

use super::{Part, Session, elements};
use crate::lab::impairment::Asked;
use crate::lab::model::{End, Ends, Impairment, Link, Port, Probability};
use crate::lab::naming;
use crate::netlink::Address;

/// Makes the links between parts that there are.
pub fn all(session: &mut Session, scenario: Element) -> Result<Vec<Link>> {
    let mut links: Vec<Link> = Vec::new();
    // A link whose directions differ is there twice, once in each.
    let mut known: HashMap<[String; 2], usize> = HashMap::new();
    for element in elements(scenario, "links", "link") {
        let sides = [
            Side::read(session, element, 1)?,
            Side::read(session, element, 2)?,
        ];
        let [Some(a), Some(b)] = sides else {
            // What it leads to was named.
            continue;
        };
        let place = format!("the link of {} and {}", a.name, b.name);
        let options = element
            .children()
            .find(|child| child.has_tag_name("options"));
        let options = options.map(|options| Options::read(options).with_context(|| place.clone()));
        let options = options.transpose()?.unwrap_or_default();
        let key = [a.key(), b.key()];
        let reverse = [key[1].clone(), key[0].clone()];
        if let Some(&index) = known.get(&reverse).filter(|_| options.unidirectional) {
            *links[index].impairments()[1] = options.impairment;
            continue;
        }
        known.insert(key, links.len());
        let back = (options.impairment.clone()).filter(|_| !options.unidirectional);
        links.push(Link {
            ends: ends(a, b, options.impairment, back)?,
            mtu: None,
        });
    }
    Ok(links)
}

/// One side of a link: a part, and its interface there.
struct Side {
    name: String,
    node: bool,
    interface: Option<Interface>,
    number: String,
}

#[derive(Clone)]
struct Interface {
    name: String,
    mac: Option<crate::netlink::Mac>,
    addresses: Vec<Address>,
}

impl Side {
    /// Nothing, where it is a part that was left out.
    fn read(session: &Session, link: Element, side: u8) -> Result<Option<Self>> {
        let number = link.attribute(&*format!("node{side}"));
        let number = number.with_context(|| format!("a link of the session has no node{side}"))?;
        let (name, node) = match session.parts.get(number) {
            Some(Part::Node(name)) => (name.clone(), true),
            Some(Part::Bridge(name)) => (name.clone(), false),
            Some(Part::LeftOut(_)) => return Ok(None),
            None => bail!("a link of the session leads to number {number}, which it has not"),
        };
        let tag = format!("iface{side}");
        let element = link.children().find(|child| child.has_tag_name(&*tag));
        let interface = element.map(|element| {
            Interface::read(element).with_context(|| format!("an interface of {name}"))
        });
        Ok(Some(Side {
            name,
            node,
            interface: interface.transpose()?,
            number: number.to_owned(),
        }))
    }

    /// What tells it from others of the part.
    fn key(&self) -> String {
        let interface = self.interface.as_ref().map(|interface| &*interface.name);
        format!("{}:{}", self.number, interface.unwrap_or_default())
    }
}

impl Interface {
    fn read(element: Element) -> Result<Self> {
        let attribute = |name| element.attribute(name).filter(|value| !value.is_empty());
        let name = attribute("name").map(str::to_owned);
        let number = attribute("id").unwrap_or("0");
        let mut addresses = Vec::new();
        for (ip, mask) in [("ip4", "ip4_mask"), ("ip6", "ip6_mask")] {
            if let Some(ip) = attribute(ip) {
                let mask = attribute(mask).with_context(|| format!("{ip} has no {mask}"))?;
                addresses.push(format!("{ip}/{mask}").parse()?);
            }
        }
        Ok(Interface {
            name: name.unwrap_or_else(|| format!("eth{number}")),
            mac: attribute("mac").map(str::parse).transpose()?,
            addresses,
        })
    }
}

/// What CORE calls the options of a link.
#[derive(Default)]
struct Options {
    unidirectional: bool,
    impairment: Option<Impairment>,
}

impl Options {
    fn read(element: Element) -> Result<Self> {
        let number = |name: &str| {
            let text = element.attribute(name).filter(|text| !text.is_empty());
            let number: Option<f64> = text.map(str::parse).transpose().ok().flatten();
            let number = number.filter(|number| number.is_finite() && *number >= 0.0);
            match (text, number) {
                (None, _) => Ok(0.0),
                (Some(_), Some(number)) => Ok(number),
                (Some(text), None) => bail!("its {name} `{text}` is not a number"),
            }
        };
        let share = |name: &str| {
            let percent = number(name)?;
            let whole = (percent * 10_000.0).round() as u32;
            Ok::<_, anyhow::Error>(Probability(whole).min(Probability::CERTAIN))
        };
        let micros =
            |name: &str| Ok::<_, anyhow::Error>(Duration::from_micros(number(name)? as u64));
        let delay = micros("delay")?;
        let rate = Some(number("bandwidth")? as u64).filter(|rate| *rate > 0);
        let buffer = Some(number("buffer")? as u32).filter(|buffer| *buffer > 0);
        // A delay that varied by more than itself would be none at times.
        let jitter = micros("jitter")?.min(delay);
        let impairment = Impairment::new(Asked {
            delay,
            jitter,
            loss: share("loss")?,
            duplicate: share("dup")?,
            reorder: Probability::default(),
            rate,
            limit: buffer,
        });
        Ok(Options {
            unidirectional: element.attribute("unidirectional") == Some("1"),
            impairment: impairment
                .map_err(|what| anyhow!("its {} contradicts the rest", what[0].key()))?,
        })
    }
}

fn ends(a: Side, b: Side, there: Option<Impairment>, back: Option<Impairment>) -> Result<Ends> {
    let other = |side: &Side| {
        let interface = side
            .interface
            .as_ref()
            .map_or("eth0", |interface| &interface.name);
        format!("{}.{interface}", side.name)
    };
    let (of_a, of_b) = (other(&b), other(&a));
    Ok(match (a.node, b.node) {
        (true, true) => Ends::PointToPoint([end(a, there)?, end(b, back)?]),
        (true, false) => Ends::Bridged {
            end: end(a, there)?,
            port: port(b, of_b, back),
        },
        (false, true) => Ends::Bridged {
            end: end(b, back)?,
            port: port(a, of_a, there),
        },
        (false, false) => Ends::Trunk([
            port(a, format!("{of_a}.a"), there),
            port(b, format!("{of_b}.b"), back),
        ]),
    })
}

fn end(side: Side, impairment: Option<Impairment>) -> Result<End> {
    let interface = side.interface.with_context(|| {
        format!(
            "a link of {} does not say which interface it has there",
            side.name
        )
    })?;
    let link_local = interface
        .addresses
        .iter()
        .any(|address| matches!(address.ip, IpAddr::V6(_)));
    Ok(End {
        node: side.name.parse()?,
        device: naming::device(&interface.name, &interface.name),
        mac: interface.mac,
        addresses: interface.addresses,
        link_local,
        impairment,
    })
}

fn port(side: Side, name: String, impairment: Option<Impairment>) -> Port {
    Port {
        bridge: side.name,
        device: naming::device(&name, &name),
        vlan: None,
        tagged: Vec::new(),
        impairment,
    }
}
