// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages that are shown more than once: who comes while one is fresh gets the same, so
//! that many readers make neither many readings nor many pages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::stat::exposition::Format;

/// How long a page is fresh. Nobody scrapes more often.
const FRESH: Duration = Duration::from_secs(1);

/// The last page of each format.
#[derive(Default)]
pub struct Pages(Vec<(Format, Instant, Arc<str>)>);

impl Pages {
    /// The page of this format that is fresh `now`; where there is none, what `make`
    /// makes. It is fresh from when it is made.
    pub fn get(
        &mut self,
        format: Format,
        now: Instant,
        make: impl FnOnce() -> Result<String>,
    ) -> Result<Arc<str>> {
        self.0
            .retain(|(_, made, _)| now.saturating_duration_since(*made) < FRESH);
        if let Some((.., page)) = self.0.iter().find(|(of, ..)| *of == format) {
            return Ok(Arc::clone(page));
        }
        let page: Arc<str> = make()?.into();
        self.0.push((format, Instant::now(), Arc::clone(&page)));
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_page_is_shared_while_it_is_fresh() {
        let mut pages = Pages::default();
        let make = |text: &str| Ok(text.to_owned());
        assert!(
            pages
                .get(Format::Prometheus, Instant::now(), || bail!("no"))
                .is_err()
        );
        let now = Instant::now();
        let first = pages.get(Format::Prometheus, now, || make("1")).unwrap();
        let open = pages.get(Format::OpenMetrics, now, || make("2")).unwrap();
        let again = pages.get(Format::Prometheus, now, || make("3")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!((&*first, &*open), ("1", "2"));
        let later = Instant::now() + FRESH;
        let new = pages.get(Format::Prometheus, later, || make("4")).unwrap();
        assert_eq!(&*new, "4");
        // Who has read it to the end has the last of it.
        drop(again);
        assert_eq!(Arc::strong_count(&first), 1);
    }
}
