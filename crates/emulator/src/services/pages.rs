//! Lists in pages.

/// One page of a list, and the marker of the next one if there is more. A marker counts the items before the page. `None` if the
/// marker is none of ours.
pub(crate) fn page<T>(items: Vec<T>, size: usize, marker: Option<&str>) -> Option<(Vec<T>, Option<String>)> {
    let start = marker.map_or(Some(0), |marker| marker.strip_prefix("after-")?.parse::<usize>().ok())?;
    let end = start.saturating_add(size);
    let next = (items.len() > end).then(|| format!("after-{end}"));
    Some((items.into_iter().skip(start).take(size).collect(), next))
}

/// The same for items in the order of their keys. A marker is the key of the last item of a page, so an item that has gone does
/// no harm, and any text is one.
pub(crate) fn page_by_key<K: AsRef<str>, T>(
    items: impl Iterator<Item = (K, T)>,
    after: Option<&str>,
    size: usize,
) -> (Vec<T>, Option<String>) {
    let mut rest = items.filter(|(key, _)| after.is_none_or(|after| key.as_ref() > after)).peekable();
    let (keys, page): (Vec<K>, Vec<T>) = rest.by_ref().take(size).unzip();
    let next = keys.last().filter(|_| rest.peek().is_some());
    (page, next.map(|key| key.as_ref().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_all_of_the_list_in_order() {
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let (items, next) = page((0..5).collect(), 2, marker.as_deref()).expect("the marker is ours");
            seen.push(items);
            match next {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(page(vec![1, 2], 2, None), Some((vec![1, 2], None)));
        assert_eq!(page(vec![1, 2], 2, Some("else")), None);
    }

    #[test]
    fn pages_are_cut_by_key_and_the_last_one_names_no_next() {
        let items = [("a", 1), ("b", 2), ("c", 3)];
        let (first, next) = page_by_key(items.into_iter(), None, 2);
        assert_eq!((first, next.as_deref()), (vec![1, 2], Some("b")));
        assert_eq!(page_by_key(items.into_iter(), Some("b"), 2), (vec![3], None));
        assert_eq!(page_by_key(items.into_iter(), None, 3), (vec![1, 2, 3], None));
    }
}
