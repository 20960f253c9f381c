use std::cmp::Ordering;

/// Compares two versions by their three numbers; what follows them (`-rc.1`, `+build`) is left
/// out. None when one of them is no version.
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    Some(numbers(one)?.cmp(&numbers(other)?))
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers = version.split(['-', '+']).next()?;
    let mut numbers = numbers.split('.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let three = [next()?, next()?, next()?];
    numbers.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(compare("0.10.0", "0.9.9"), Some(Ordering::Greater));
        assert_eq!(compare("1.0.0-rc.1", "1.0.0+5"), Some(Ordering::Equal));
        for malformed in ["", "1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3", "-1.0.0"] {
            assert_eq!(compare(malformed, "1.0.0"), None, "{malformed}");
        }
    }
}
