//! What a module of pages says of itself.

use reoclo_control::{Permission, Requirement};
use reoclo_http::{QueryReader, QueryText, Registrar};

use crate::PAGES;

/// The pages of a resource: their routes, where they are found, and what they say afterwards.
pub(crate) struct Pages {
    pub(crate) add: fn(Registrar) -> Registrar,
    pub(crate) place: Option<Place>,
    notices: &'static [(&'static str, &'static str)],
}

/// A place in the navigation.
pub(crate) struct Place {
    pub(crate) href: &'static str,
    pub(crate) name: &'static str,
    pub(crate) icon: &'static str,
    /// It is offered to whoever meets this.
    pub(crate) needs: Requirement,
}

impl Pages {
    pub(crate) const fn of(add: fn(Registrar) -> Registrar) -> Self {
        Self {
            add,
            place: None,
            notices: &[],
        }
    }

    /// They begin at `href`, for whoever has the permission.
    pub(crate) const fn at<P: Permission>(
        self,
        href: &'static str,
        name: &'static str,
        icon: &'static str,
    ) -> Self {
        let place = Place {
            href,
            name,
            icon,
            needs: P::REQUIREMENT,
        };
        Self {
            place: Some(place),
            ..self
        }
    }

    /// What was just done, by the name that an address has for it.
    pub(crate) const fn saying(self, notices: &'static [(&'static str, &'static str)]) -> Self {
        Self { notices, ..self }
    }
}

/// What the address says was just done. Only the texts of the pages are shown, whatever it says.
pub(crate) fn notice(query: &QueryText) -> Option<&'static str> {
    let mut reader = QueryReader::new(query);
    let name = reader.text("notice")?;
    let mut notices = PAGES.iter().flat_map(|pages| pages.notices);
    let found = notices.find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_pages_have_the_same_place_or_say_the_same() {
        let mut seen = HashSet::new();
        let notices = PAGES.iter().flat_map(|pages| pages.notices);
        for (name, text) in notices {
            assert!(seen.insert(*name) && !text.is_empty(), "{name}");
        }
        let places = PAGES.iter().filter_map(|pages| pages.place.as_ref());
        assert!(places.map(|place| place.href).all(|href| seen.insert(href)));
    }
}
