package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// receipt is a c2sp.org/tlog-proof with the record's header as its extra data.
type receipt struct {
	header     []byte
	index      int64
	proof      tlog.RecordProof
	checkpoint string
}

func parseReceipt(text string) (receipt, error) {
	var parsed receipt
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "extra ") {
		return parsed, errors.New("not a receipt")
	}
	parsed.header = decode(strings.TrimPrefix(lines[1], "extra "))
	if _, err := fmt.Sscanf(lines[2], "index %d", &parsed.index); err != nil {
		return parsed, err
	}
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return parsed, err
		}
		parsed.proof = append(parsed.proof, hash)
	}
	parsed.checkpoint = checkpoint
	return parsed, nil
}

func (r receipt) verify(known note.Verifiers, origin string) error {
	checkpoint, err := open(r.checkpoint, known, origin)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(r.proof, checkpoint.N, checkpoint.Hash, r.index, tlog.RecordHash(r.header))
}

func checkReceipts(server *server, keys []string) {
	known, origin := verifiers(keys, merchant), operator+"/"+merchant
	for at := 0; at < len(server.decisions); at += 97 {
		decided := server.decisions[at]
		good := server.receipt(decided)
		check(good.verify(known, origin))
		leaf := tlog.RecordHash(good.header)
		must(good.index == decided.Seq && hex.EncodeToString(leaf[:]) == decided.Leaf, "the receipt of %s is of another record", decided.ID)

		must(good.verify(verifiers(keys, "m-fresh"), operator+"/m-fresh") != nil, "the receipt holds for another merchant")
		for place := range good.proof {
			changed := good
			changed.proof = append(tlog.RecordProof{}, good.proof...)
			changed.proof[place][0] ^= 1
			must(changed.verify(known, origin) != nil, "a receipt with a changed proof holds")
		}
		for _, change := range []func(*receipt){
			func(r *receipt) { r.header = append(append([]byte{}, r.header...), 0) },
			func(r *receipt) { r.header = r.header[1:] },
			func(r *receipt) { r.index++ },
			func(r *receipt) { r.proof = r.proof[1:] },
			func(r *receipt) { r.proof = append(append(tlog.RecordProof{}, r.proof...), tlog.Hash{}) },
			func(r *receipt) { r.checkpoint = strings.Replace(r.checkpoint, merchant, "m-fresh", -1) },
			func(r *receipt) { r.checkpoint = r.checkpoint[1:] },
		} {
			changed := good
			change(&changed)
			must(changed.verify(known, origin) != nil, "a changed receipt holds")
		}
	}
}

// receipt waits for a decision's receipt.
func (s *server) receipt(decided decision) receipt {
	for try := 0; try < 100; try++ {
		text, status := s.get("/decisions/" + decided.ID + "/receipt")
		if status == 200 {
			parsed, err := parseReceipt(string(text))
			check(err)
			return parsed
		}
		must(status == 409, "the receipt of %s: status %d", decided.ID, status)
		time.Sleep(100 * time.Millisecond)
	}
	fail("no receipt of " + decided.ID)
	return receipt{}
}
