//! Between what is declared and what the SDK sends and answers.

/// A number for a call. AWS refuses what is out of range; one beyond `i32` is refused just the same.
#[must_use]
pub fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A number that AWS says. There are no negative ones.
pub fn count(value: impl TryInto<u32>) -> u32 {
    value.try_into().unwrap_or_default()
}

/// A number that AWS says, or leaves out for zero.
pub fn count_or_zero<N: TryInto<u32>>(value: Option<N>) -> u32 {
    value.map_or(0, count)
}

/// A port that AWS says, or leaves out for zero.
#[must_use]
pub fn port_or_zero(value: Option<i32>) -> u16 {
    value.and_then(|port| port.try_into().ok()).unwrap_or_default()
}

/// A list of which AWS does not keep the order: what is recorded at its place, and what is new behind it, by `key`.
#[must_use]
pub fn in_order_of<T, K: Ord>(recorded: &[T], mut live: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let order: Vec<K> = recorded.iter().map(&key).collect();
    live.sort_by_cached_key(|one| {
        let key = key(one);
        (order.iter().position(|other| *other == key).unwrap_or(usize::MAX), key)
    });
    live
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_keeps_its_place_and_what_is_new_follows_in_order() {
        let live = vec!["d", "a", "c", "b"];
        assert_eq!(in_order_of(&["b", "gone", "a"], live, |one| *one), ["b", "a", "c", "d"]);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        assert_eq!((number(7), number(u32::MAX)), (7, i32::MAX));
        assert_eq!(
            (count(7_i32), count(-1_i64), count_or_zero(Some(7_i64)), count_or_zero::<i32>(None)),
            (7, 0, 7, 0)
        );
        assert_eq!((port_or_zero(Some(5432)), port_or_zero(Some(70_000)), port_or_zero(None)), (5432, 0, 0));
    }
}
