//! Lists that are answered a page at a time.

/// The items after a position, at most `size`, and the position of the next page if there is one. Items come in the
/// order of their keys; a position is the key of the last item of a page, so an item that has gone does no harm.
pub(crate) fn page<'a, T>(
    items: impl Iterator<Item = (&'a str, T)>,
    after: Option<&str>,
    size: usize,
) -> (Vec<T>, Option<String>) {
    let mut rest = items.filter(|(key, _)| after.is_none_or(|after| *key > after)).peekable();
    let mut page = Vec::new();
    let mut last = None;
    while page.len() < size
        && let Some((key, item)) = rest.next()
    {
        page.push(item);
        last = Some(key.to_owned());
    }
    let next = last.filter(|_| rest.peek().is_some());
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn pages_are_cut_by_key_and_the_last_one_names_no_next() {
        let items = [("a", 1), ("b", 2), ("c", 3)];
        let (first, next) = page(items.into_iter(), None, 2);
        assert_eq!((first, next.as_deref()), (vec![1, 2], Some("b")));
        assert_eq!(page(items.into_iter(), Some("b"), 2), (vec![3], None));
        assert_eq!(page(items.into_iter(), None, 3), (vec![1, 2, 3], None));
    }
}
