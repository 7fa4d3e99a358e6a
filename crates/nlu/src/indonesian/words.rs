//! Word lists of the normaliser, written for it by hand from common knowledge of
//! chat Indonesian and of the regional languages; KBBI is the spelling of the
//! standard words. One line a standard word, what is read as it behind the colon.

/// Chat spellings, abbreviations and loans: standard word, then its variants.
pub(super) const CHAT: &str = "
akan: akn
aku: ak aq
ada: ad
adalah: adlh
aja: ajh aj ajah
apa: ap apaan
apakah: apakh
atau: ato ataw atw
bagaimana: bagaiman bgmn bgmna bgaimana gimana gmana gmn gmna gimane begimane
baik: bae
baru: br bru
banget: bgt bangat bgtt
banyak: bnyk byk
bantu: bntu
bapak: pak bpk
batal: btl btal
belum: blm blom belom blum lom
benar: bener bnr bnar bner
berapa: brp brapa brpa
besok: bsk bsok
bisa: bs bsa bisaa
boleh: blh bole bolehh
buat: bwt buad
bulan: bln
bukan: bkn bukn
cepat: cpt cepet cpet
coba: cb cba
dalam: dlm
dan: n dn
dapat: dpt dpat
dari: dr dri
daftar: dftr daftr
data: dta
dengan: dgn dg dngn dngan ama
di: d
email: imel emel imail
gagal: ggl gagl
halo: hallo hallow helo hello haloo alo
hari: hr hri
harus: hrs hrus
ibu: bu
ini: ni nih
internet: inet intrnet
iya: iy iyaa iyah iyes y ya yup yap yoi yup yah ho'oh hooh
jadi: jd jdi
jam: jm
jangan: jgn jngn jangn
juga: jg jga
kalau: kalo klo kl klu kalu
kami: kmi
kamu: km kmu elu loe
kantor: ktr kntr
karena: krn krna karna
kapan: kpn
kasih: ksh
kata: kt
keluar: kluar klwr
kenapa: knp knapa npa ngapa napa
kepada: kpd
kita: kt
kode: kod
komputer: komp pc kompi
lagi: lg lgi
lama: lma
lambat: lelet lemot lmbat
langsung: lgsg lgsung langsg
laporan: lap
login: log-in logn
lupa: lpa lupaa
maaf: mf maap sori sorry sory
mana: mn
masih: msh msih
masuk: msk masup msuk
mau: mo mw pengen pingin pgn ingin
memang: emang emg mmg
mohon: mhn mhon
nama: nm nma
nanti: ntar nnti nti
nomor: nmr nomer nmor
online: onlen ol
orang: org orng
pakai: pake pk pke
password: pasword passwod pass pw pwd paswod pasw passwrd sandi paswot pswd
pegawai: pgw pgwai peg
pernah: prnh pernh
pada: pd
pagi: pg pgi
petugas: ptgs ptugas
saja: sj
sama: sm sma
sampai: smp sampe ampe sampek
sangat: sgt sngt
saya: sy sya gue gua gw gwe ane saia
sebelum: sblm sblum
sedang: sdg lg
sekali: skali
sekarang: skrg skrng skrang skg
selalu: sll slalu
seperti: spt sprti kayak kyk kek
siapa: sp sapa
sudah: sdh udh udah dah uda sdah
supaya: spy
surat: srt
tadi: td tdi
tahu: tau tauk
tanda: tnd
tangan: tngn
tapi: tp tpi tetapi
telepon: telp tlp tlpn tlpon telpon telfon
teman: tmn
terima: trima trma
terus: trs trus
tidak: gk ga gak enggak nggak ngga ngg g kagak kaga tdk tak tdak gada ndak ndk nda engga
tolong: tlg tlong tulung toloong
tunggu: tgu tnggu
untuk: utk u utuk
wifi: wipi
whatsapp: wa wasap
yang: yg yng yank
";

/// Regional words of everyday questions and complaints: standard word, then words
/// of Javanese, Sundanese, Minangkabau, Banjar, Betawi and Balinese. Words that
/// mean something else in Indonesian are left out.
pub(super) const REGIONAL: &str = "
saya: kula kulo inyong kuring ambo ulun unda aye titiang
kamu: sampeyan panjenengan kowe anjeun maneh waang pian ikam ragane
tidak: ora mboten ogak boten teu henteu embung indak ndak kada kadada nenten tusing
sudah: wis uwis sampun atos enggeus geus suba
belum: durung dereng acan alun balun balum
bagaimana: piye kepiye kumaha baa bagaimano kayapa sakayapa kenken sapunapi
apa: opo punapa naon apo napa apaan napi
kenapa: kenopo ngopo kunaon naha mangapa kanapa ngudiang
mana: endi pundi ngendi dima
bisa: iso saged tiasa bisaa bisak kawa dapek bisan
mau: arep badhe bade hoyong nio kahandak handak mekita
ada: ono wonten aya ado ada-ai
rusak: rusuak ruksak
tolong: tulung tulungin punten tolongi tulungi
ini: iki niki ieu iko ngini puniki
itu: kuwi niku eta itun ngitu punika
sekarang: saiki sakniki ayeuna kini jani mangkin
lupa: lali kesupen hilap poho kalupoan engsap
masuk: mlebu lebet asup lebet masuak
keluar: metu medal kaluar kalua
uang: duwit arto artos pitih pitis
lama: suwe lami lamo
cepat: gancang lakas gelis enggal
hidup: urip hiduik iduik
mati: paeh pejah maot
lambat: alon laun lambek
besok: sesuk enjing bisuak
kemarin: wingi kamari kapatang samalam ibi
hari: dino poe dinten
pagi: enjing subuah
dari: saka saking soko
siapa: sopo sinten saha siapo nyen
berapa: piro pinten sabaraha
ya: inggih nggih enya muhun iyo
";

/// Words that end as if a clitic stood there, and do not have one.
pub(super) const NO_CLITIC: &[&str] = &[
    "hanya",
    "tanya",
    "punya",
    "bertanya",
    "nyonya",
    "buku",
    "baku",
    "siku",
    "suku",
    "kaku",
    "laku",
    "paku",
    "saku",
    "beku",
    "berlaku",
    "pelaku",
    "bangku",
    "tungku",
    "ilmu",
    "jamu",
    "temu",
    "semu",
    "kamu",
    "ramu",
    "tamu",
    "bertemu",
    "ketemu",
    "aku",
    "mengaku",
    "minggu",
    "pertanyaan",
    "penyu",
];
