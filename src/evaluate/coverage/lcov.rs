//! Coverage as `lcov` and the tools that read its files know it.

use super::Coverage;

impl Coverage {
    /// A `DA` line for each line that counts.
    pub fn to_lcov(&self) -> String {
        let mut text = String::from("TN:sapa\n");
        for (path, lines) in self.by_file() {
            text += &format!("SF:{path}\n");
            lines.iter().for_each(|(line, hits)| text += &format!("DA:{line},{hits}\n"));
            let hit = lines.values().filter(|hits| **hits > 0).count();
            text += &format!("LF:{}\nLH:{hit}\nend_of_record\n", lines.len());
        }
        text
    }
}
