use sapa_nlu::NluModel;
use sapa_project::nlu::*;
use sapa_project::*;
use std::time::Instant;
fn parse_line(intent: &str, line: &str) -> Example {
    let mut text = String::new();
    let mut ents = vec![];
    let mut rest = line;
    while let Some(i) = rest.find('[') {
        let after = &rest[i+1..];
        let Some(j) = after.find(']') else { break };
        let tail = &after[j+1..];
        if tail.starts_with('(') {
            let k = tail.find(')').unwrap();
            text.push_str(&rest[..i]);
            let s = text.chars().count();
            text.push_str(&after[..j]);
            let e = text.chars().count();
            let name = tail[1..k].split(':').next().unwrap().to_string();
            ents.push(EntityAnnotation{start:s,end:e,entity:name,role:None,group:None,value:after[..j].into()});
            rest = &tail[k+1..];
        } else { text.push_str(&rest[..i+1]); rest = after; }
    }
    text.push_str(rest);
    Example{intent:intent.into(),text,entities:ents,metadata:Default::default(),span:Default::default()}
}
fn read(path:&str)->Vec<Example>{
    let s=std::fs::read_to_string(path).unwrap();
    let mut intent=String::new(); let mut v=vec![];
    for l in s.lines(){
        if let Some(x)=l.strip_prefix("- intent: "){ intent=x.trim().trim_matches('"').trim_matches('\'').to_string(); }
        else if let Some(x)=l.strip_prefix("    - "){ v.push(parse_line(&intent,x.trim())); }
    }
    v
}
fn main(){
    let a:Vec<String>=std::env::args().collect();
    let mut train=read(&a[1]);
    let test = if a[2]=="cv" { // deterministic 1/5 split of train
        let (mut tr, mut te)=(vec![],vec![]);
        for (i,e) in train.into_iter().enumerate(){ if i%5==4 {te.push(e)} else {tr.push(e)} }
        train=tr; te
    } else { read(&a[2]) };
    let cfg: serde_json::Value = serde_json::from_str(&a[3]).unwrap();
    let pipeline = cfg.as_array().unwrap().iter().map(|c|{
        let mut o=c.as_object().unwrap().clone(); let n=o.remove("name").unwrap();
        ComponentConfig::implied(n.as_str().unwrap(), o)}).collect();
    let config=Config{pipeline,language:Some("id".into()),..Default::default()};
    let data=NluData{examples:train,..Default::default()};
    let threads:usize=std::env::var("T").ok().map_or(1,|t|t.parse().unwrap());
    let t=Instant::now();
    let (m,_d)=NluModel::train(&config,&data,&Default::default(),threads,&mut|_|{}).unwrap();
    let tt=t.elapsed();
    let sec=m.to_sections();
    let t=Instant::now();
    let m=NluModel::from_sections(&|n|sec.iter().find(|s|s.0==n).map(|s|s.1.as_slice())).unwrap();
    let tl=t.elapsed();
    let t=Instant::now();
    let res:Vec<_>=test.iter().map(|e|m.parse(&e.text)).collect();
    let tp=t.elapsed()/test.len() as u32;
    let ok=test.iter().zip(&res).filter(|(e,r)|r.intent.name.as_deref()==Some(e.base_intent())).count();
    let conf:f64=res.iter().map(|r|r.intent.confidence).sum::<f64>()/res.len() as f64;
    let nll:f64=test.iter().zip(&res).map(|(e,r)|{let p=r.intent_ranking().iter().find(|x|x.name.as_deref()==Some(e.base_intent())).map_or(1e-3,|x|x.confidence);-p.max(1e-4).ln()}).sum::<f64>()/res.len() as f64;
    let (mut tpn,mut fp,mut fnn)=(0,0,0);
    for (e,r) in test.iter().zip(&res){
        let gold:Vec<_>=e.entities.iter().map(|x|(x.start,x.end,x.entity.clone())).collect();
        let pred:Vec<_>=r.entities.iter().map(|x|(x.start.unwrap(),x.end.unwrap(),x.entity.clone())).collect();
        for p in &pred { if gold.contains(p){tpn+=1}else{fp+=1} }
        for g in &gold { if !pred.contains(g){fnn+=1} }
    }
    let f1=2.0*tpn as f64/(2*tpn+fp+fnn).max(1) as f64;
    let rss=std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l|l.starts_with("VmHWM")).unwrap().to_string();
    println!("acc {:.2} conf {:.3} nll {:.3} entF1 {:.2} train {:?} load {:?} parse {:?} size {}k {}",100.0*ok as f64/test.len() as f64,conf,nll,100.0*f1,tt,tl,tp,sec.iter().map(|s|s.1.len()).sum::<usize>()/1024,rss);
}
