//! Characters that are not seen.

/// Whether a reader would not see `c`, or would see the text around it in another order: control and format
/// characters (Unicode categories Cc and Cf), fillers and blanks that count as letters or symbols, variation
/// selectors, line separators and noncharacters. Plain white space is not among them.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}'
        | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || (c as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_told_from_seen_ones() {
        for c in "\0\n\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{fe0f}\u{e0041}\u{115f}\u{3164}\u{ad}\u{1fffe}".chars() {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in "aZ é漢字ß😀\u{300}".chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
    }
}
