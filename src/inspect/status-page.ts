// The parts of the status page that never change: its text, style and script. Strings stay in flash.
//
// Without its script the page consists of tables. The script fetches tables and events every two seconds, keeps the events that
// it has seen, and draws the newest connections. It changes only what differs from what is shown, so that a selection stays.
// The script writes only numbers and its own words into the page.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these templates belong to the script

export const pageTop =
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>" +
    "<link rel=icon href=data:,><title>devicescript-tcp</title><style>" +
    ":root{color-scheme:light dark;--a:light-dark(#0a62c9,#6cb0ff);--b:light-dark(#0b7a4b,#58d3a0);" +
    "--m:light-dark(#667,#99a);--l:light-dark(#dde,#334)}" +
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em;" +
    "display:flex;flex-direction:column}" +
    "h1{font-size:1.5em;margin:0}h2{font-size:1.1em;margin:1.6em 0 .4em}p{margin:.2em 0 1em;color:var(--m)}" +
    "#t{display:contents}#t h2,pre{order:3}#l{order:2}#n{float:right;font:14px/2 system-ui,sans-serif;color:var(--m)}" +
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}" +
    "td,th{text-align:left;padding:.3em 1em .3em 0;border-bottom:1px solid var(--l)}th{color:var(--m);font-weight:400}" +
    "td:last-child{font-weight:600}pre{margin:0;columns:19em;font:13px/1.6 ui-monospace,monospace}" +
    "svg{display:block;width:100%;font:12px ui-monospace,monospace;fill:currentColor;margin-bottom:1em}" +
    "figure{margin:0}figcaption{font-weight:600;margin-top:.6em}" +
    "@media(max-width:30em){body{margin:1em auto}table{font-size:.8em}td,th{padding-right:.5em}td+td{overflow-wrap:anywhere}}" +
    "</style><h1>devicescript-tcp<span id=n></span></h1>" +
    "<p>This page comes from a TCP/IP stack in DeviceScript. Its connections:</p><div id=t>"

export const pageEnd =
    "</div><div id=l><h2>Handshakes</h2><noscript>A script draws them.</noscript></div><script>" +
    "const S='CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK " +
    "TIME-WAIT'.split(' ')," +
    // the reasons of TcpError, in its order (test/inspect/status.test.ts)
    "R=',refused,reset,no answer,unreachable,aborted,no room,port in use,not open,shut down,not valid,closed,prohibited'.split(',')," +
    "F=[[4,'RST'],[2,'SYN'],[1,'FIN'],[8,'PSH'],[16,'ACK']],$=i=>document.getElementById(i)," +
    "Q=q=>fetch(q,{cache:'no-store'});let seen=0,all=[],made=0;" +
    // reads one event, a record of base/events.ts (test/inspect/status.test.ts compares the offsets), if its kind is drawn
    "function take(h){const b=Uint8Array.from(h.match(/../g),x=>parseInt(x,16)),v=new DataView(b.buffer)," +
    "e={t:v.getUint32(0,1),k:b[4],to:b[5],from:b[6],f:b[25],id:v.getUint16(8,1),n:v.getUint16(10,1)," +
    "seq:v.getUint32(16),ack:v.getUint32(20),mss:v.getUint16(6,1)};" +
    "if(![1,2,3,5].includes(e.k))return;" +
    "const peer=b.slice(28).join('.')+':'+v.getUint16(12),port=v.getUint16(14),key=peer+' '+port;" +
    // a new connection begins with a SYN without an ACK, or when a connection of ours leaves CLOSED
    "let c=all.find(c=>c.key==key);" +
    "const whole=e.k==1?!e.from:(e.f&18)==2&&e.to==1;" +
    "if(!c||whole&&c.ev.length>1)all.unshift(c={key,peer,port,whole,ev:[],id:0,n:++made});" +
    "c.id=e.id||c.id;c.ev.push(e)}" +
    // changes the lines of a text that differ
    "function text(x,s){let o=0;const a=x.data.split('\\n'),b=s.split('\\n');if(a.length!=b.length)x.data=s;" +
    "else b.forEach((l,i)=>{if(l!=a[i])x.replaceData(o,a[i].length,l);o+=l.length+1})}" +
    // makes the children of a like those of b; one with an id is the same wherever it is
    "function like(a,b){let x=a.firstChild;for(const y of[...b.childNodes]){const k=y.id&&$(y.id);" +
    "if(k&&k!=x)a.insertBefore(k,x);if(k)x=k;" +
    "if(!x||x.nodeName!=y.nodeName||x.id!=y.id){a.insertBefore(y,x);continue}" +
    "if(y.nodeType==3)text(x,y.data);" +
    "else{for(const t of y.attributes)if(x.getAttribute(t.name)!=t.value)x.setAttribute(t.name,t.value);like(x,y)}" +
    "x=x.nextSibling}while(x){const z=x.nextSibling;x.remove();x=z}}" +
    "function show(i,h){const e=$(i);if(!e.firstChild)return e.innerHTML=h;" +
    "const b=document.createElement('template');b.innerHTML=h;like(e,b.content)}" +
    // on a narrow screen states and times are between the lifelines
    "function draw(c,ip,own){let y=44,s='',max=c.id==own?8:16;const m=$('l').clientWidth<560,[W,X,Y]=m?[340,6,334]:[700,170,610]," +
    "M=(X+Y)/2,t0=c.ev[0].t;" +
    "for(const e of c.ev.slice(0,max)){" +
    "if(e.k==2||e.k==3){const out=e.k==3,p=out?X:Y,q=out?Y:X,d=out?-7:7,w=F.filter(x=>e.f&x[0]).map(x=>x[1]).join('-');" +
    "y+=30;s+=`<path d='M${p} ${y-5}L${q} ${y+5}m${d} -6l${-d} 6l${d} 3' fill=none " +
    "stroke='var(--${out?'a':'b'})' stroke-width=1.5 /><text x=${M} y=${y-7} text-anchor=middle>${w} ${e.seq}" +
    "${e.f&16?' ack '+e.ack:''}${e.n?' len '+e.n:''}${e.mss?' mss '+e.mss:''}</text>" +
    "<text ${m?`x=328 text-anchor=end y=${y+=18}`:`x=620 y=${y+3}`} fill=var(--m)>${((e.t-t0)/1e3).toFixed(3)} s</text>`" +
    "}else{y+=17;s+=`<text ${m?'x=14':'x=160 text-anchor=end'} y=${y+3} font-weight=600 ${e.k==5?'fill=red':''}>" +
    "${e.k==5?'failed: '+(R[e.from]||e.from):S[e.to]}</text>`}}" +
    "if(c.ev.length>max)s+=`<text x=${M} y=${y+=24} text-anchor=middle fill=var(--m)>… ${c.ev.length-max} more</text>`;" +
    "y+=14;return`<figure id=c${c.n}><figcaption>${c.id?'#'+c.id+' ':''}${c.peer}${c.id==own?' (this page)':''}${c.whole?'':' (earlier events are no longer kept)'}</figcaption>" +
    "<svg viewBox='0 0 ${W} ${y+4}'><g fill=none stroke=var(--m)><path d='M${X} 40V${y}M${Y} 40V${y}'/></g>" +
    "<text x=${X} y=30 ${m?'':'text-anchor=middle'}>${ip}:${c.port}</text>" +
    "<text x=${Y} y=30 text-anchor=${m?'end':'middle'}>${c.peer}</text>${s}</svg></figure>`}" +
    "async function turn(){try{const e=await(await Q('/events')).json();" +
    "if(e.first+e.events.length-1<seen){seen=0;all=[]}" +
    "e.events.forEach((h,i)=>{if(h&&e.first+i>=seen)take(h)});seen=e.first+e.events.length-1;all=all.slice(0,12);" +
    "show('t',await(await Q('/?tables')).text());" +
    "show('l','<h2>Handshakes</h2>'+all.slice(0,5).map(c=>draw(c,e.ip,e.own)).join(''));" +
    "$('n').textContent='live'}catch(e){$('n').textContent='no answer'}setTimeout(turn,2000)}turn()" +
    "</script></html>\n"
