//! Codes of provinces, regencies and cities: the first four digits of a NIK.
//!
//! Source: Kepmendagri 300.2.2-2138/2025 (38 provinces, 514 regencies and
//! cities) joined with the codes retired since 2016 by the splits of Papua and
//! others: a NIK keeps the code of its first registration for life.

/// Code of a province, its name, and the ranges of its regency (01 to 69) and
/// city (71 to 99) codes.
type Province = (u32, &'static str, &'static [(u32, u32)]);

const PROVINCES: [Province; 38] = [
    (11, "Aceh", &[(1, 18), (71, 75)]),
    (12, "Sumatera Utara", &[(1, 25), (71, 78)]),
    (13, "Sumatera Barat", &[(1, 12), (71, 77)]),
    (14, "Riau", &[(1, 10), (71, 72)]),
    (15, "Jambi", &[(1, 9), (71, 72)]),
    (16, "Sumatera Selatan", &[(1, 13), (71, 74)]),
    (17, "Bengkulu", &[(1, 9), (71, 71)]),
    (18, "Lampung", &[(1, 13), (71, 72)]),
    (19, "Kepulauan Bangka Belitung", &[(1, 6), (71, 71)]),
    (21, "Kepulauan Riau", &[(1, 5), (71, 72)]),
    (31, "Daerah Khusus Ibukota Jakarta", &[(1, 1), (71, 75)]),
    (32, "Jawa Barat", &[(1, 18), (71, 79)]),
    (33, "Jawa Tengah", &[(1, 29), (71, 76)]),
    (34, "Daerah Istimewa Yogyakarta", &[(1, 4), (71, 71)]),
    (35, "Jawa Timur", &[(1, 29), (71, 79)]),
    (36, "Banten", &[(1, 4), (71, 74)]),
    (51, "Bali", &[(1, 8), (71, 71)]),
    (52, "Nusa Tenggara Barat", &[(1, 8), (71, 72)]),
    (53, "Nusa Tenggara Timur", &[(1, 21), (71, 71)]),
    (61, "Kalimantan Barat", &[(1, 12), (71, 72)]),
    (62, "Kalimantan Tengah", &[(1, 13), (71, 71)]),
    (63, "Kalimantan Selatan", &[(1, 11), (71, 72)]),
    (64, "Kalimantan Timur", &[(1, 3), (7, 9), (11, 11), (71, 72), (74, 74)]),
    (65, "Kalimantan Utara", &[(1, 4), (71, 71)]),
    (71, "Sulawesi Utara", &[(1, 11), (71, 74)]),
    (72, "Sulawesi Tengah", &[(1, 12), (71, 71)]),
    (73, "Sulawesi Selatan", &[(1, 18), (22, 22), (24, 24), (26, 26), (71, 73)]),
    (74, "Sulawesi Tenggara", &[(1, 15), (71, 72)]),
    (75, "Gorontalo", &[(1, 5), (71, 71)]),
    (76, "Sulawesi Barat", &[(1, 6)]),
    (81, "Maluku", &[(1, 9), (71, 72)]),
    (82, "Maluku Utara", &[(1, 8), (71, 72)]),
    (91, "Papua", &[(1, 28), (71, 71)]),
    (92, "Papua Barat", &[(1, 12), (71, 71)]),
    (93, "Papua Selatan", &[(1, 4)]),
    (94, "Papua Tengah", &[(1, 8)]),
    (95, "Papua Pegunungan", &[(1, 8)]),
    (96, "Papua Barat Daya", &[(1, 5), (71, 71)]),
];

fn province(code: u32) -> Option<&'static Province> {
    PROVINCES.iter().find(|province| province.0 == code)
}

/// Name of the province with that two-digit code.
pub fn province_name(code: u32) -> Option<&'static str> {
    province(code).map(|province| province.1)
}

/// Whether the regency or city code was ever in use in that province.
pub fn is_known(province_code: u32, regency: u32) -> bool {
    province(province_code).is_some_and(|found| found.2.iter().any(|(from, to)| (*from..=*to).contains(&regency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_all_540_codes() {
        let known = (0..100).flat_map(|a| (0..100).map(move |b| (a, b))).filter(|(a, b)| is_known(*a, *b)).count();
        assert_eq!(known, 540);
    }

    #[test]
    fn tangerang_is_in_banten_and_retired_papua_codes_stay_known() {
        assert_eq!(province_name(36), Some("Banten"));
        for (province, regency) in [(36, 3), (36, 71), (36, 74), (91, 1), (91, 9), (92, 1), (92, 71), (94, 8)] {
            assert!(is_known(province, regency), "{province}{regency:02}");
        }
        assert!(!is_known(36, 70) && !is_known(20, 1) && !is_known(36, 0));
    }
}
