#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""genmail.py - seeded, realistic synthetic maildir generator (perf corpus).

usage: genmail.py OUTDIR [-n 20000] [--seed 1] [--no-attach] [--flat]

Writes OUTDIR/{cur,new,tmp}.  Same (n, seed, version) => byte-identical output.
Needs the word lists wngerman + wamerican in /usr/share/dict.

Model
  * 200 internal users, 3000 external addresses, Zipf-weighted activity; 60 % German
  * words: Zipf(s=1.05) over (function words, then shuffled dictionary, short words
    preferred); 35 % of sentences from a pool of stock sentences (mail boiler plate)
  * body text length lognormal; HTML alternative in ~60 %, newsletters ~15 %
    (template HTML + tracking urls), plain-only rest; QP / base64 / 8bit / 7bit
  * Received/DKIM/ARC/Exchange style header block of 2-6 KB
  * threads: ~45 % replies, top-posted with quoted history, References chain
  * signature images (60 distinct, 3-40 KB) inline in multipart/related
  * attachments in ~17 %: 1-3 of lognormal size (50 KB - 3 MB): valid PDF (text
    stream + incompressible image), JPEG-like, valid DOCX/XLSX zip, CSV/TXT/XML,
    OLE-like .doc/.xls; ~40 % of instances re-use an earlier file (forwards,
    circulars), so single instancing has something to find
"""
import argparse, base64, bisect, io, itertools, math, os, quopri, random, sys, time, zipfile, zlib

DE_FUNC = """der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde wir ich Sie Ihnen Ihre bitte danke können uns ihr mir kann soll wenn dann hier heute morgen gestern schon sehr alle diese dieser dieses unser unsere Angebot Rechnung Termin Projekt Vertrag Kunde Anlage Grüße freundlichen geehrte Herr Frau Besprechung Woche Montag Dienstag Freitag Freigabe Lieferung Auftrag Bestellung""".split()
EN_FUNC = """the of and to a in is that for it as was with be by on not he I this are or his from at which but have an had they you were there one all we can has if will would been their more when who out so up said what its about than into them only other time new some could these two may first then do any like my now over such our me even most made after also did many before must through please thanks regards meeting invoice project contract attached review update schedule order customer offer delivery Monday Friday week team approval budget""".split()
FIRST = "Anna Peter Klaus Sabine Thomas Julia Michael Petra Stefan Monika Andreas Ursula Markus Claudia Jürgen Karin Wolfgang Birgit Frank Heike James Mary John Linda Robert Susan David Karen Paul Emma Jörg Käthe Sören Björn".split()
LAST = "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hartmann Lange Schmitt Werner Krause Lehmann Köhler Smith Johnson Brown Taylor Wilson Davies Evans Walker".split()
TR = str.maketrans({'ä': 'ae', 'ö': 'oe', 'ü': 'ue', 'ß': 'ss', 'Ä': 'Ae', 'Ö': 'Oe', 'Ü': 'Ue', 'é': 'e'})


class Zipf:
    def __init__(self, rnd, n, s=1.05):
        self.r = rnd
        self.cum = list(itertools.accumulate(1.0 / (i + 2.0) ** s for i in range(n)))
        self.tot = self.cum[-1]

    def idx(self):
        return bisect.bisect(self.cum, self.r.random() * self.tot)


class Lang:
    def __init__(self, rnd, path, func, nstock, enc='utf-8'):
        self.r = rnd
        ws = [w.strip() for w in open(path, encoding=enc, errors='replace')]
        ws = [w for w in ws if "'" not in w and 2 < len(w) < 24]
        # shuffle, shorter words tend to be more frequent
        ws.sort(key=lambda w: len(w) * 0.35 + rnd.random() * 8)
        self.words = func + ws
        self.cumw = list(itertools.accumulate(1.0 / (i + 2.0) ** 1.05 for i in range(len(self.words))))
        self.stock = [self.sent0() for _ in range(nstock)]
        self.zs = Zipf(rnd, nstock, 0.9)

    def w(self, k):
        return self.r.choices(self.words, cum_weights=self.cumw, k=k)

    def sent0(self):
        r = self.r
        ws = self.w(max(3, int(r.gauss(13, 5))))
        if r.random() < .25:
            ws.insert(r.randrange(len(ws)), r.choice(['%d.%02d.20%02d' % (r.randint(1, 28), r.randint(1, 12), r.randint(19, 25)),
                      '%d,%02d EUR' % (r.randint(1, 20000), r.randint(0, 99)), 'RE-%06d' % r.randint(1, 999999),
                      'https://www.%s.example/%s?id=%d' % (self.w(1)[0].lower().translate(TR), self.w(1)[0].lower().translate(TR), r.randint(1, 99999)),
                      '+49 %d %d' % (r.randint(30, 9999), r.randint(10000, 9999999)), 'AB%d-%d' % (r.randint(1, 999), r.randint(1, 99))]))
        if len(ws) > 8 and r.random() < .5:
            i = r.randrange(3, len(ws) - 3)
            ws[i] += ','
        s = ' '.join(ws)
        return s[0].upper() + s[1:] + r.choice('....!?')

    def text(self, nchars):
        out, n, para = [], 0, []
        while n < nchars:
            s = self.stock[self.zs.idx()] if self.r.random() < .35 else self.sent0()
            para.append(s)
            n += len(s) + 1
            if self.r.random() < .25:
                out.append(' '.join(para)); para = []
        if para:
            out.append(' '.join(para))
        return out


def wrap(par, width=76, pre=''):
    out, line = [], pre
    for w in par.split(' '):
        if len(line) + len(w) + 1 > width and line != pre:
            out.append(line); line = pre
        line = (line + ' ' + w) if line != pre else pre + w
    out.append(line)
    return out


def b64lines(b):
    e = base64.b64encode(b)
    return b'\r\n'.join(e[i:i + 76] for i in range(0, len(e), 76)) if len(e) < 4096 else base64.encodebytes(b).replace(b'\n', b'\r\n').rstrip()


def tok(r, n, al='abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/'):
    return ''.join(r.choices(al, k=n))


class Gen:
    def __init__(self, seed, attach=True):
        self.r = r = random.Random(seed)
        self.attach = attach
        self.de = Lang(r, '/usr/share/dict/ngerman', DE_FUNC, 4000)
        self.en = Lang(r, '/usr/share/dict/american-english', EN_FUNC, 4000)
        self.users = []
        for i in range(3200):
            f, l = r.choice(FIRST), r.choice(LAST)
            dom = 'muster-gmbh.example' if i < 200 else 'firma%03d.example' % int(r.paretovariate(.6) % 700)
            a = '%s.%s%s@%s' % (f.lower().translate(TR), l.lower().translate(TR), '' if i < 60 else str(i % 97), dom)
            self.users.append((f + ' ' + l, a))
        self.zi, self.ze = Zipf(r, 200, .8), Zipf(r, 3000, .9)
        self.sigimg = [self.jpeg(int(min(40000, max(3000, r.lognormvariate(9.2, .7))))) for _ in range(60)]
        self.css = [self.mkcss(int(r.lognormvariate(7.3, .5))) for _ in range(12)]
        self.tmpl = [self.mktmpl() for _ in range(40)]
        self.pool, self.threads = [], []
        self.foot = {'de': ' '.join(self.de.text(600)), 'en': ' '.join(self.en.text(600))}

    # --- blobs
    def jpeg(self, n):
        return b'\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00' + self.r.randbytes(n) + b'\xff\xd9'

    def pdf(self, n, L):
        r = self.r
        tx = []
        for p in L.text(min(30000, 800 + n // 20)):
            for l in wrap(p, 88):
                tx.append('(%s) Tj T*' % l.replace('\\', '').replace('(', '').replace(')', ''))
        pages, objs = [], []
        per = 55
        npg = max(1, (len(tx) + per - 1) // per)
        img = r.randbytes(max(1000, int(n * .8)))
        objs.append(b'<< /Type /Catalog /Pages 2 0 R >>')
        objs.append(b'<< /Type /Pages /Kids [%s] /Count %d >>' % (b' '.join(b'%d 0 R' % (5 + 2 * i) for i in range(npg)), npg))
        objs.append(b'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>')
        objs.append(b'<< /Type /XObject /Subtype /Image /Width 800 /Height 600 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream' % (len(img), img))
        for i in range(npg):
            objs.append(b'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >> /Contents %d 0 R >>' % (6 + 2 * i))
            c = zlib.compress(('BT /F1 10 Tf 12 TL 50 800 Td\n' + '\n'.join(tx[i * per:(i + 1) * per]) + '\nET').encode('cp1252', 'replace'), 6)
            objs.append(b'<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream' % (len(c), c))
        out = io.BytesIO(); out.write(b'%PDF-1.5\n%\xe2\xe3\xcf\xd3\n'); offs = []
        for i, o in enumerate(objs):
            offs.append(out.tell()); out.write(b'%d 0 obj\n%s\nendobj\n' % (i + 1, o))
        x = out.tell()
        out.write(b'xref\n0 %d\n0000000000 65535 f \n' % (len(objs) + 1) + b''.join(b'%010d 00000 n \n' % o for o in offs))
        out.write(b'trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' % (len(objs) + 1, x))
        return out.getvalue()

    def zipdoc(self, n, L, kind):
        b = io.BytesIO(); r = self.r
        z = zipfile.ZipFile(b, 'w', zipfile.ZIP_DEFLATED)
        def add(name, data, comp=zipfile.ZIP_DEFLATED):
            zi = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)); zi.compress_type = comp; z.writestr(zi, data)
        add('[Content_Types].xml', '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>')
        if kind == 'docx':
            body = ''.join('<w:p><w:r><w:t>%s</w:t></w:r></w:p>' % p.replace('&', '&amp;') for p in L.text(min(120000, 2000 + n // 8)))
            add('word/document.xml', '<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>' + body + '</w:body></w:document>')
            add('word/media/image1.jpeg', self.jpeg(max(1000, int(n * .75))), zipfile.ZIP_STORED)
        else:
            rows = ''.join('<row r="%d">%s</row>' % (i, ''.join('<c><v>%d.%02d</v></c>' % (r.randint(0, 99999), r.randint(0, 99)) for _ in range(8))) for i in range(min(4000, n // 40)))
            add('xl/worksheets/sheet1.xml', '<?xml version="1.0"?><worksheet><sheetData>' + rows + '</sheetData></worksheet>')
            add('xl/sharedStrings.xml', '<sst>' + ''.join('<si><t>%s</t></si>' % w for w in L.w(800)) + '</sst>')
        z.close()
        return b.getvalue()

    def mkfile(self, L):
        r = self.r
        n = int(min(3_000_000, max(50_000 if r.random() < .75 else 4_000, r.lognormvariate(math.log(75_000), 1.05))))
        k = r.choices(['pdf', 'jpg', 'docx', 'xlsx', 'csv', 'txt', 'xml', 'doc', 'xls'], [45, 18, 12, 8, 4, 3, 2, 5, 3])[0]
        if k == 'pdf': d, ct = self.pdf(n, L), 'application/pdf'
        elif k == 'jpg': d, ct = self.jpeg(n), 'image/jpeg'
        elif k in ('docx', 'xlsx'):
            d, ct = self.zipdoc(n, L, k), 'application/vnd.openxmlformats-officedocument.' + ('wordprocessingml.document' if k == 'docx' else 'spreadsheetml.sheet')
        elif k == 'csv':
            ws = L.w(400)
            d = '\r\n'.join('%d;%s;%s;%d,%02d;20%02d-%02d-%02d' % (i, r.choice(ws), r.choice(ws), r.randint(1, 9999), r.randint(0, 99), r.randint(15, 25), r.randint(1, 12), r.randint(1, 28)) for i in range(min(20000, n // 40))).encode('utf-8'); ct = 'text/csv'
        elif k == 'txt': d, ct = '\r\n\r\n'.join(L.text(min(n, 300000))).encode('utf-8'), 'text/plain'
        elif k == 'xml': d, ct = ('<?xml version="1.0"?>\n<Invoice>' + '\n'.join('<Line><ID>%d</ID><Name>%s</Name><Amount currencyID="EUR">%d.%02d</Amount></Line>' % (i, ' '.join(L.w(3)), r.randint(1, 9999), r.randint(0, 99)) for i in range(min(4000, n // 90))) + '</Invoice>').encode('utf-8'), 'application/xml'
        else:  # OLE like: text in utf-16 + zero padding + some noise
            t = ' '.join(L.text(min(n // 6, 60000))).encode('utf-16le')
            d = b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' + bytes(504) + t + bytes(n // 5) + r.randbytes(n // 3) + bytes(n // 10); ct = 'application/msword' if k == 'doc' else 'application/vnd.ms-excel'
        name = '%s_%s_%d.%s' % (L.w(1)[0].capitalize(), L.w(1)[0], r.randint(1, 9999), k)
        return (name, ct, d, b64lines(d))

    def getfile(self, L):
        r = self.r
        if self.pool and r.random() < .40:
            # recency weighted re-use
            i = len(self.pool) - 1 - min(len(self.pool) - 1, int(r.expovariate(1 / 120.0)))
            return self.pool[i]
        f = self.mkfile(L); self.pool.append(f)
        if len(self.pool) > 3000: self.pool.pop(0)
        return f

    # --- html
    def mkcss(self, n):
        r = self.r; o = []
        while sum(map(len, o)) < n:
            o.append('%s.%s {mso-style-priority:%d; margin:%dcm; margin-bottom:.0001pt; font-size:%d.0pt; font-family:"%s","sans-serif"; color:#%06x;}' % (r.choice(['p', 'div', 'span', 'td', 'li', 'a:link']), tok(r, 9), r.randint(1, 99), r.randint(0, 3), r.randint(8, 14), r.choice(['Calibri', 'Arial', 'Segoe UI', 'Verdana']), r.getrandbits(24)))
        return '\r\n'.join(o)

    def mktmpl(self):
        r = self.r; L = r.choice([self.de, self.en]); o = []
        for i in range(r.randint(4, 26)):
            o.append('<tr><td align="%s" valign="top" style="padding:%dpx %dpx; font-family:Arial,Helvetica,sans-serif; font-size:%dpx; line-height:%dpx; color:#%06x;" class="%s">%s<a href="%%s" target="_blank" style="text-decoration:none;color:#%06x"><img src="https://img.%s.example/%s.png" width="%d" height="%d" alt="" border="0"></a></td></tr>' % (
                r.choice(['left', 'center']), r.randint(0, 30), r.randint(0, 30), r.randint(10, 24), r.randint(14, 30), r.getrandbits(24), tok(r, 8), '%s' , r.getrandbits(24), tok(r, 6).lower().replace('/', 'x').replace('+', 'y'), tok(r, 12).replace('/', 'x'), r.randint(20, 600), r.randint(10, 300)))
        return (L, o, self.mkcss(int(r.lognormvariate(8.2, .5))), r.randint(200, 3199))

    def outlook(self, paras):
        r = self.r
        css = self.css[min(11, int(r.expovariate(.5)))]
        b = ''.join('<p class=MsoNormal><span style="font-size:11.0pt;font-family:&quot;Calibri&quot;,&quot;sans-serif&quot;;color:#1F497D">%s<o:p></o:p></span></p>\r\n' % p.replace('&', '&amp;') for p in paras)
        return ('<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word" xmlns="http://www.w3.org/TR/REC-html40"><head><meta http-equiv=Content-Type content="text/html; charset=utf-8"><meta name=Generator content="Microsoft Word 15 (filtered medium)"><style><!--\r\n' + css + '\r\n--></style></head><body lang=DE link="#0563C1" vlink="#954F72"><div class=WordSection1>\r\n' + b)

    # --- parts
    def textpart(self, s, sub, r, extra=''):
        b = s.encode('utf-8'); k = r.random()
        if k < .62:
            e = quopri.encodestring(b.replace(b'\r\n', b'\n')).replace(b'\n', b'\r\n'); cte = 'quoted-printable'; cs = 'utf-8'
        elif k < .76:
            e, cte, cs = b64lines(b), 'base64', 'utf-8'
        elif k < .9:
            e, cte, cs = b, '8bit', 'utf-8'
        else:
            e = s.encode('iso-8859-1', 'replace'); cte = '8bit'; cs = 'iso-8859-1'
        return ('Content-Type: text/%s; charset="%s"\r\nContent-Transfer-Encoding: %s\r\n%s\r\n' % (sub, cs, cte, extra)).encode() + e + b'\r\n'

    def multi(self, sub, parts, extra=''):
        bd = '----=_NextPart_%s' % tok(self.r, 24, '0123456789ABCDEF')
        o = ('Content-Type: multipart/%s;\r\n\tboundary="%s"%s\r\n\r\n' % (sub, bd, extra)).encode()
        for p in parts:
            o += b'--' + bd.encode() + b'\r\n' + p + b'\r\n'
        return o + b'--' + bd.encode() + b'--\r\n'

    def addr(self, u):
        n, a = u
        if all(ord(c) < 128 for c in n): return '%s <%s>' % (n, a)
        return '=?utf-8?B?%s?= <%s>' % (base64.b64encode(n.encode()).decode(), a)

    def subj(self, s):
        if all(ord(c) < 128 for c in s): return s
        out = []
        for i in range(0, len(s), 30):
            out.append('=?utf-8?B?%s?=' % base64.b64encode(s[i:i + 30].encode()).decode())
        return '\r\n '.join(out)

    def headers(self, frm, to, cc, subj, ts, mid, refs, ext, bulk):
        r = self.r
        def dt(t): return time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime(t))
        dom = frm[1].split('@')[1]
        h = []
        h.append('Return-Path: <%s>' % frm[1])
        h.append('Delivered-To: %s' % to[0][1])
        for i in range(r.randint(2, 5) if ext else r.randint(1, 3)):
            h.append('Received: from mx%d.%s (mx%d.%s [10.%d.%d.%d])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\r\n\t(No client certificate requested)\r\n\tby mail%d.muster-gmbh.example (Postfix) with ESMTPS id %s\r\n\tfor <%s>; %s' % (r.randint(1, 9), dom, r.randint(1, 9), dom, r.randint(0, 255), r.randint(0, 255), r.randint(0, 255), r.randint(1, 4), tok(r, 15), to[0][1], dt(ts + 3 - i)))
        if ext:
            h.append('Authentication-Results: mail.muster-gmbh.example;\r\n\tdkim=pass (2048-bit key; unprotected) header.d=%s header.i=@%s header.b="%s";\r\n\tdkim-atps=neutral; spf=pass smtp.mailfrom=%s' % (dom, dom, tok(r, 8), frm[1]))
            h.append('DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s;\r\n\ts=sel%d; t=%d;\r\n\tbh=%s=;\r\n\th=From:To:Subject:Date:Message-ID:MIME-Version:Content-Type;\r\n\tb=%s==' % (dom, r.randint(1, 3), ts, tok(r, 43), '\r\n\t '.join(tok(r, 70) for _ in range(5))))
            if r.random() < .4:
                h.append('ARC-Seal: i=1; a=rsa-sha256; s=arcselector9901; d=microsoft.com; cv=none;\r\n b=' + tok(r, 342) + '==')
                h.append('ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=microsoft.com;\r\n s=arcselector9901;\r\n h=From:Date:Subject:Message-ID:Content-Type:MIME-Version:X-MS-Exchange-AntiSpam-MessageData-ChunkCount;\r\n bh=' + tok(r, 43) + '=;\r\n b=' + tok(r, 342) + '==')
                h.append('X-MS-Exchange-AntiSpam-MessageData-0:\r\n ' + '\r\n '.join('=?us-ascii?Q?%s?=' % tok(r, 56) for _ in range(r.randint(8, 20))))
                h.append('X-MS-Exchange-CrossTenant-Network-Message-Id: %08x-%04x-%04x-%04x-%012x' % (r.getrandbits(32), r.getrandbits(16), r.getrandbits(16), r.getrandbits(16), r.getrandbits(48)))
        h.append('From: ' + self.addr(frm))
        h.append('To: ' + ',\r\n\t'.join(self.addr(u) for u in to))
        if cc: h.append('Cc: ' + ',\r\n\t'.join(self.addr(u) for u in cc))
        h.append('Subject: ' + self.subj(subj))
        h.append('Date: ' + dt(ts))
        h.append('Message-ID: ' + mid)
        if refs:
            h.append('In-Reply-To: ' + refs[-1]); h.append('References: ' + '\r\n\t'.join(refs[-10:]))
        if bulk:
            h.append('List-Unsubscribe: <https://u.%s/%s>' % (dom, tok(r, 60)))
            h.append('Precedence: bulk'); h.append('X-Campaign: %s' % tok(r, 20))
        else:
            h.append('Thread-Index: ' + tok(r, 30)); h.append('X-Mailer: ' + r.choice(['Microsoft Outlook 16.0', 'Apple Mail (2.3654.120.0.1.13)', 'Thunderbird 102.6']))
            h.append('Accept-Language: de-DE, en-US')
        h.append('X-Spam-Status: No, score=%.1f required=5.0 tests=BAYES_00,DKIM_SIGNED,\r\n\tDKIM_VALID,HTML_MESSAGE,SPF_PASS autolearn=ham version=3.4.6' % -r.random())
        h.append('MIME-Version: 1.0')
        return ('\r\n'.join(h) + '\r\n').encode('ascii', 'replace')

    def mail(self, seq, ts):
        r = self.r
        mid = '<%s.%d@%s.example>' % (tok(r, 22, '0123456789abcdef'), seq, tok(r, 6, 'abcdefghij'))
        if r.random() < .15:
            L, tm, css, ui = r.choice(self.tmpl)
            frm = self.users[ui]; to = [self.users[self.zi.idx()]]
            s = ' '.join(L.w(r.randint(3, 9)))
            rows = [t % (' '.join(L.text(r.randint(20, 160))).replace('%', ''), 'https://click.%s/%s' % (frm[1].split('@')[1], tok(r, r.randint(60, 180)).replace('+', '-'))) for t in tm]
            html = '<!DOCTYPE html><html><head><style>' + css + '</style></head><body><table width="600" cellpadding="0" cellspacing="0" border="0">\r\n' + '\r\n'.join(rows) + '</table></body></html>'
            txt = '\r\n\r\n'.join('\r\n'.join(wrap(p)) for p in L.text(r.randint(200, 1500)))
            hd = self.headers(frm, to, [], s, ts, mid, [], True, True)
            return hd + self.multi('alternative', [self.textpart(txt, 'plain', r), self.textpart(html, 'html', r)])
        th = None
        if self.threads and r.random() < .5:
            th = self.threads[len(self.threads) - 1 - min(len(self.threads) - 1, int(r.expovariate(1 / 300.0)))]
            L = th['L']
        else:
            L = self.de if r.random() < .6 else self.en
        ext = r.random() < .5
        pick = lambda e: self.users[200 + self.ze.idx()] if e else self.users[self.zi.idx()]
        if th:
            frm = r.choice(th['who']); to = [u for u in th['who'] if u != frm][:4] or [pick(False)]
        else:
            frm = pick(ext); to = [pick((not ext) and r.random() < .4) for _ in range(1 + min(7, int(r.expovariate(1.1))))]
        cc = [pick(r.random() < .3) for _ in range(min(6, int(r.expovariate(1.5))))]
        paras = L.text(int(min(60000, max(40, r.lognormvariate(math.log(520), 1.15)))))
        hi = 'Sehr geehrte Damen und Herren,' if L is self.de else 'Dear all,'
        bye = ['Mit freundlichen Grüßen' if L is self.de else 'Kind regards', frm[0]]
        ul = self.users.index(frm) if False else sum(map(ord, frm[1]))
        sig = ['--', frm[0], frm[1], self.foot['de' if L is self.de else 'en'][: 150 + ul % 450]]
        subj = (('AW: ' if L is self.de else 'Re: ') + th['subj']) if th else ' '.join(L.w(r.randint(2, 8)))
        quoted = []
        if th:
            quoted = ['-----Original-Nachricht-----', 'Von: %s' % th['who'][0][0], 'Betreff: ' + th['subj']] + th['paras'][:30]
        full = [hi] + paras + bye + sig
        txt = '\r\n\r\n'.join('\r\n'.join(wrap(p)) for p in full)
        if th: txt += '\r\n\r\n' + '\r\n>\r\n'.join('\r\n'.join(wrap(p, 78, '> ')) for p in quoted)
        refs = (th['refs'] + []) if th else []
        kind = r.random()
        if kind < .52:
            html = self.outlook(full + quoted) + '</div></body></html>'
            im = r.random()
            if im < .30:
                img = self.sigimg[ul % 60]; cid = 'image001.jpg@%s' % tok(r, 17, '0123456789ABCDEF.')
                html = html.replace('</div></body>', '<img width=200 height=60 src="cid:%s"></div></body>' % cid)
                alt = self.multi('alternative', [self.textpart(txt, 'plain', r), self.textpart(html, 'html', r)])
                body = self.multi('related', [alt, ('Content-Type: image/jpeg; name="image001.jpg"\r\nContent-Description: image001.jpg\r\nContent-Disposition: inline; filename="image001.jpg"; size=%d\r\nContent-ID: <%s>\r\nContent-Transfer-Encoding: base64\r\n\r\n' % (len(img), cid)).encode() + b64lines(img) + b'\r\n'], ';\r\n\ttype="multipart/alternative"')
            else:
                body = self.multi('alternative', [self.textpart(txt, 'plain', r), self.textpart(html, 'html', r)])
        else:
            body = self.textpart(txt, 'plain', r)
        if self.attach and r.random() < .125:
            parts = [body]
            for _ in range(min(4, 1 + int(r.expovariate(1.4)))):
                n, ct, d, e = self.getfile(L)
                fn = '"%s"' % n if all(ord(c) < 128 for c in n) else '"=?utf-8?B?%s?="' % base64.b64encode(n.encode()).decode()
                parts.append(('Content-Type: %s;\r\n\tname=%s\r\nContent-Description: %s\r\nContent-Disposition: attachment; filename=%s; size=%d\r\nContent-Transfer-Encoding: base64\r\n\r\n' % (ct, fn, 'file', fn, len(d))).encode() + e + b'\r\n')
            body = self.multi('mixed', parts)
        hd = self.headers(frm, to, cc, subj, ts, mid, refs, ext, False)
        if th:
            th['refs'] = (refs + [mid])[-12:]; th['paras'] = full[:20] + quoted[:20]
        elif r.random() < .6:
            self.threads.append({'L': L, 'subj': subj, 'who': ([frm] + to)[:5], 'refs': [mid], 'paras': full})
            if len(self.threads) > 4000: self.threads.pop(0)
        return hd + body


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('out'); ap.add_argument('-n', type=int, default=20000); ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--no-attach', action='store_true')
    a = ap.parse_args()
    g = Gen(a.seed, not a.no_attach)
    for d in ('cur', 'new', 'tmp'): os.makedirs(os.path.join(a.out, d), exist_ok=True)
    t0, t1 = 1546300800, 1735689600  # 2019-01-01 .. 2025-01-01
    tot = 0
    for i in range(a.n):
        ts = t0 + int((t1 - t0) * (i + g.r.random()) / a.n)
        m = g.mail(i, ts).replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')
        p = os.path.join(a.out, 'cur', '%d.M%06d.perf:2,S' % (ts, i))
        with open(p, 'wb') as f: f.write(m)
        os.utime(p, (ts, ts)); tot += len(m)
        if i % 2000 == 0: print(i, tot, file=sys.stderr, flush=True)
    print('%d mails, %d bytes' % (a.n, tot))


if __name__ == '__main__':
    main()
