// Checks Ombud's ledger with code that shares nothing with it: the original sumdb/note and sumdb/tlog of the Go project
// (Debian's golang-golang-x-mod-dev). It starts the given binary, sends events, and then does what an auditor, a monitor and
// a witness do over HTTP. Everything is checked twice: as it came, and tampered with.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run ./tests/go target/debug/ombud
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	operator = "go.ombud.test"
	merchant = "m-cosmetics"
	// Two full tiles and a part of a third.
	events = 600
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: go run ./tests/go OMBUD")
	}
	witness := newWitness()
	server := start(os.Args[1], witness)
	defer server.stop()
	keys := operatorKeys(server.read("ledger.vkey"))
	witness.trust(keys)

	server.send(events / 2)
	first := server.checkpoint(keys, events/2)
	server.send(events / 2)
	second := server.checkpoint(keys, events)
	log := &tiles{server: server}

	step("a checkpoint opens with the key derived from the operator's, and with no other")
	checkNotes(second, keys)
	step("every tile and entry is the one of the signed tree")
	checkEntries(log, second)
	step("the older tree is the beginning of the newer one")
	checkConsistency(log, first, second)
	step("receipts hold, and no other record, place or log does")
	checkReceipts(server, keys)
	step("the witness was asked with proofs that hold, and its cosignature is published")
	checkWitness(server, witness, keys)
	step("a bundle verifies, and none that was altered by somebody without the key")
	checkBundle(server, witness, keys)
	fmt.Println("all is as it must be")
}

// head is an opened checkpoint.
type head struct {
	text string
	note string
	tlog.Tree
}

// operatorKeys are the lines of the operator's file.
func operatorKeys(file string) []string {
	return strings.Fields(file)
}

// verifiers derives the keys of a merchant's log: the same public keys under the name OPERATOR/MERCHANT.
func verifiers(operatorKeys []string, merchant string) note.Verifiers {
	var list []note.Verifier
	for _, line := range operatorKeys {
		parts := strings.SplitN(line, "+", 3)
		must(len(parts) == 3, "a verifier key: %s", line)
		key := decode(parts[2])
		must(len(key) == 33 && key[0] == 1, "an Ed25519 key: %s", line)
		text, err := note.NewEd25519VerifierKey(parts[0]+"/"+merchant, key[1:])
		check(err)
		verifier, err := note.NewVerifier(text)
		check(err)
		list = append(list, verifier)
	}
	return note.VerifierList(list...)
}

// open opens a checkpoint, as c2sp.org/tlog-checkpoint has it.
func open(text string, known note.Verifiers, origin string) (head, error) {
	opened, err := note.Open([]byte(text), known)
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return head{}, errors.New("not a checkpoint of " + origin)
	}
	var size int64
	if _, err := fmt.Sscanf(lines[1], "%d", &size); err != nil || fmt.Sprint(size) != lines[1] {
		return head{}, errors.New("no size")
	}
	root, err := tlog.ParseHash(lines[2])
	return head{text: opened.Text, note: text, Tree: tlog.Tree{N: size, Hash: root}}, err
}

func checkNotes(checkpoint head, keys []string) {
	known := verifiers(keys, merchant)
	origin := operator + "/" + merchant
	_, err := open(checkpoint.note, known, origin)
	check(err)
	for _, other := range []note.Verifiers{verifiers(keys, "m-fresh"), verifiers([]string{strangersKey()}, merchant), note.VerifierList()} {
		_, err := open(checkpoint.note, other, origin)
		must(err != nil, "another key opens the checkpoint")
	}
	// Every changed bit but those of a signature that nobody here knows.
	signed := strings.Index(checkpoint.note, "— witness")
	if signed < 0 {
		signed = len(checkpoint.note)
	}
	for at := 0; at < signed; at++ {
		for bit := 0; bit < 8; bit++ {
			changed := []byte(checkpoint.note)
			changed[at] ^= 1 << bit
			_, err := open(string(changed), known, origin)
			must(err != nil || sameNote(changed, []byte(checkpoint.note), known), "bit %d of byte %d of the checkpoint was changed, and it opens", bit, at)
		}
	}
}

// sameNote tells whether two notes differ only in the bits of a base64 text that stand for nothing, which Go's decoder ignores.
func sameNote(one, other []byte, known note.Verifiers) bool {
	first, err := note.Open(one, known)
	check(err)
	second, err := note.Open(other, known)
	check(err)
	must(first.Text == second.Text && len(first.Sigs) == len(second.Sigs), "two notes with other texts")
	for at := range first.Sigs {
		if !bytes.Equal(decode(first.Sigs[at].Base64), decode(second.Sigs[at].Base64)) {
			return false
		}
	}
	return true
}

func checkConsistency(log *tiles, first, second head) {
	reader := tlog.TileHashReader(second.Tree, log)
	proof, err := tlog.ProveTree(second.N, first.N, reader)
	check(err)
	check(tlog.CheckTree(proof, second.N, second.Hash, first.N, first.Hash))
	for at := range proof {
		changed := append(tlog.TreeProof{}, proof...)
		changed[at][at%32] ^= 1
		must(tlog.CheckTree(changed, second.N, second.Hash, first.N, first.Hash) != nil, "a changed proof holds")
	}
	must(tlog.CheckTree(proof, second.N, second.Hash, first.N-1, first.Hash) != nil, "a proof holds for another size")
}

func step(text string) {
	fmt.Printf("%s  %s\n", time.Now().Format("15:04:05"), text)
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func must(condition bool, text string, values ...interface{}) {
	if !condition {
		fail(fmt.Sprintf(text, values...))
	}
}

// fail ends the process; the server is stopped with it.
func fail(text string) {
	fmt.Fprintln(os.Stderr, "FAILED:", text)
	if running != nil {
		running.stop()
	}
	os.Exit(1)
}
