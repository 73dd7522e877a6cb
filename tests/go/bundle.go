package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The items of a bundle, and the fields of a record's header that are looked at.
const (
	itemManifest   = 0
	itemCheckpoint = 1
	itemRange      = 2
	itemGrowth     = 3
	itemBlob       = 4
	itemRecord     = 5
	itemEnd        = 8

	fieldSeq      = 2
	fieldOutcome  = 19
	fieldAmounts  = 20
	fieldDetached = 25
)

// item is one item of a bundle: its number and what follows.
type item struct {
	number uint64
	rest   []interface{}
}

// parseBundle reads a bundle and checks that it is spelt in the one way there is.
func parseBundle(data []byte) ([]item, error) {
	var items []item
	again := []byte{}
	for rest := data; len(rest) > 0; {
		var framed interface{}
		var err error
		framed, rest, err = readCBOR(rest)
		if err != nil {
			return nil, err
		}
		inner, ok := framed.([]byte)
		if !ok {
			return nil, errors.New("no item")
		}
		value, left, err := readCBOR(inner)
		list, ok := value.([]interface{})
		if err != nil || !ok || len(left) > 0 || len(list) == 0 {
			return nil, errors.New("no item")
		}
		number, ok := list[0].(uint64)
		if !ok {
			return nil, errors.New("an item without a number")
		}
		items = append(items, item{number, list[1:]})
		again = append(again, frame(items[len(items)-1])...)
	}
	if !bytes.Equal(again, data) {
		return nil, errors.New("it is spelt in another way")
	}
	return items, nil
}

func frame(one item) []byte {
	inner := appendCBOR(nil, append([]interface{}{one.number}, one.rest...))
	return appendCBOR([]byte{0xd8, 24}, inner)
}

// stored are the hashes of a growing tree, where tlog looks for them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(s)) {
			return nil, errors.New("no such hash")
		}
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

func (s *stored) add(at int64, header []byte) {
	hashes, err := tlog.StoredHashes(at, header, *s)
	check(err)
	*s = append(*s, hashes...)
}

// verifyBundle checks a bundle of a whole log: every signature, every record against the signed roots, every digest.
func verifyBundle(data []byte, known note.Verifiers, origin string) (err error) {
	defer func() {
		// A value of another type than the format has.
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%v", reason)
		}
	}()
	items, err := parseBundle(data)
	if err != nil {
		return err
	}
	if len(items) < 4 || items[0].number != itemManifest || items[1].number != itemCheckpoint || items[2].number != itemRange {
		return errors.New("it does not begin as a bundle")
	}
	manifest := items[0].rest
	latest, err := open(items[1].rest[0].(string), known, origin)
	if err != nil {
		return fmt.Errorf("the latest checkpoint: %v", err)
	}
	size := uint64(latest.N)
	if manifest[2] != origin || manifest[6] != uint64(0) || manifest[7] != size || manifest[8] != size {
		return errors.New("it is not a bundle of this whole log")
	}
	var tree stored
	records, end := int64(0), false
	var counts [9]uint64
	for _, one := range items[3:] {
		if one.number >= uint64(len(counts)) || end {
			return fmt.Errorf("item %d has no place here", one.number)
		}
		counts[one.number]++
		switch one.number {
		case itemGrowth:
			if note, ok := one.rest[2].(string); ok {
				earlier, err := open(note, known, origin)
				if err != nil {
					return fmt.Errorf("an earlier checkpoint: %v", err)
				}
				var proof tlog.TreeProof
				for _, hash := range one.rest[1].([]interface{}) {
					proof = append(proof, hash32(hash))
				}
				if one.rest[0] != uint64(earlier.N) {
					return errors.New("a consistency proof of another size")
				}
				if err := tlog.CheckTree(proof, latest.N, latest.Hash, earlier.N, earlier.Hash); err != nil {
					return err
				}
			}
		case itemBlob:
			if bytes, ok := one.rest[1].([]byte); !ok || tlog.Hash(sha256.Sum256(bytes)) != hash32(one.rest[0]) {
				return errors.New("stored bytes have another digest")
			}
		case itemRecord:
			header, sealed := one.rest[2].([]byte), one.rest[3].([]byte)
			if one.rest[0] != uint64(records) || tlog.RecordHash(header) != hash32(one.rest[1]) {
				return fmt.Errorf("record %d is not the one of its leaf", records)
			}
			if err := checkHeader(header, sealed, records); err != nil {
				return err
			}
			tree.add(records, header)
			records++
		case itemCheckpoint:
			inside, err := open(one.rest[0].(string), known, origin)
			if err != nil {
				return fmt.Errorf("the checkpoint after record %d: %v", records, err)
			}
			if root, err := tlog.TreeHash(records, tree); err != nil || inside.N != records || root != inside.Hash {
				return fmt.Errorf("the signed root of %d records is not theirs", records)
			}
		case itemEnd:
			end = true
			before := data[:len(data)-len(frame(one))]
			digest := tlog.Hash(sha256.Sum256(before))
			signed, err := note.Open([]byte(one.rest[5].(string)), known)
			if err != nil {
				return fmt.Errorf("the end: %v", err)
			}
			counted := []interface{}{counts[itemRecord], counts[itemBlob], counts[itemCheckpoint], uint64(0)}
			if fmt.Sprint(one.rest[:4]) != fmt.Sprint(counted) || hash32(one.rest[4]) != digest || signed.Text != endText(manifest[1], origin, digest) {
				return errors.New("the end is of another bundle")
			}
		default:
			return fmt.Errorf("item %d has no place in a bundle of a whole log", one.number)
		}
	}
	if root, err := tlog.TreeHash(records, tree); err != nil || records != latest.N || root != latest.Hash || !end {
		return errors.New("the records do not lead to the signed root")
	}
	return nil
}

func endText(format any, origin string, digest tlog.Hash) string {
	return fmt.Sprintf("ombud audit bundle %d\n%s\n%x\n", format, origin, digest[:])
}

// checkHeader checks that a header is of its place, and that the sealed bodies are those it commits to.
func checkHeader(header, sealed []byte, seq int64) error {
	value, rest, err := readCBOR(header)
	members, ok := value.([]pair)
	if err != nil || !ok || len(rest) > 0 {
		return fmt.Errorf("record %d has no header", seq)
	}
	if member(members, fieldSeq) != uint64(seq) {
		return fmt.Errorf("the header of record %d is another's", seq)
	}
	if detached, ok := member(members, fieldDetached).([]interface{}); ok {
		if detached[0] != uint64(len(sealed)) || hash32(detached[1]) != tlog.Hash(sha256.Sum256(sealed)) {
			return fmt.Errorf("the bodies of record %d are not those of its header", seq)
		}
	} else if len(sealed) > 0 {
		return fmt.Errorf("record %d has bodies that its header does not know", seq)
	}
	return nil
}

func member(members []pair, key uint64) interface{} {
	for _, one := range members {
		if one.key == key {
			return one.value
		}
	}
	return nil
}

func hash32(value interface{}) tlog.Hash {
	var hash tlog.Hash
	if bytes := value.([]byte); len(bytes) == len(hash) {
		copy(hash[:], bytes)
	}
	return hash
}

// forger is somebody who knows everything but the operator's signing key.
type forger struct {
	signer note.Signer
	// Whether the operator's own checkpoints stay: then the records do not lead to them.
	keeps bool
}

// forge changes a record, and makes every digest, leaf, tree and checkpoint anew.
func (f forger) forge(data []byte, origin string, change func(members []pair, sealed []byte) bool) []byte {
	items, err := parseBundle(data)
	check(err)
	changed := false
	var tree stored
	var forged []item
	records := int64(0)
	for _, one := range items {
		switch one.number {
		case itemGrowth, itemEnd:
			continue
		case itemRecord:
			value, _, err := readCBOR(one.rest[2].([]byte))
			check(err)
			members, sealed := value.([]pair), one.rest[3].([]byte)
			if !changed && change(members, sealed) {
				changed = true
				if detached, ok := member(members, fieldDetached).([]interface{}); ok {
					digest := sha256.Sum256(sealed)
					detached[1] = digest[:]
				}
				header := appendCBOR(nil, members)
				leaf := tlog.RecordHash(header)
				one.rest[1], one.rest[2] = append([]byte{}, leaf[:]...), header
			}
			tree.add(records, one.rest[2].([]byte))
			records++
		case itemCheckpoint:
			if len(forged) > 1 && !f.keeps {
				one.rest[0] = f.checkpoint(origin, records, tree)
			}
		}
		forged = append(forged, one)
	}
	must(changed, "no record could be changed")
	if !f.keeps {
		forged[1].rest[0] = f.checkpoint(origin, records, tree)
	}
	var out []byte
	var counts [9]uint64
	for _, one := range forged {
		out = append(out, frame(one)...)
		counts[one.number]++
	}
	digest := tlog.Hash(sha256.Sum256(out))
	end, err := note.Sign(&note.Note{Text: endText(forged[0].rest[1], origin, digest)}, f.signer)
	check(err)
	counted := []interface{}{counts[itemRecord], counts[itemBlob], counts[itemCheckpoint] - 1, uint64(0)}
	return append(out, frame(item{itemEnd, append(counted, append([]byte{}, digest[:]...), string(end))})...)
}

func (f forger) checkpoint(origin string, records int64, tree stored) string {
	root, err := tlog.TreeHash(records, tree)
	check(err)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, records, root)}, f.signer)
	check(err)
	return string(signed)
}

// checkBundle exports a bundle and checks it here and with Ombud's own command: as it came, damaged, and forged.
func checkBundle(server *server, witness *witness, keys []string) {
	origin, known := operator+"/"+merchant, verifiers(keys, merchant)
	file := filepath.Join(server.data, "bundle.ombud")
	server.command(0, "audit", "export", "--data", server.data, "--merchant", merchant, "-o", file)
	data, err := os.ReadFile(file)
	check(err)
	check(verifyBundle(data, known, origin))
	vkey := filepath.Join(server.data, "ledger.vkey")
	said := server.command(0, "audit", "verify", file, "--key", vkey, "--witness", witness.key())
	must(strings.Contains(said, witnessName+" has seen"), "the witness is not named: %s", said)
	must(verifyBundle(data, verifiers([]string{strangersKey()}, merchant), origin) != nil, "a stranger's key opens the bundle")

	// Bytes all over it, and all of the manifest, the checkpoint and the end.
	for at := range data {
		if at%9973 != 0 && at > 400 && at < len(data)-400 {
			continue
		}
		changed := append([]byte{}, data...)
		changed[at] ^= 1 << (at % 8)
		must(verifyBundle(changed, known, origin) != nil || sameSignatures(changed, data), "byte %d of the bundle was changed, and it verifies", at)
	}

	private, public, err := note.GenerateKey(nil, origin)
	check(err)
	signer, err := note.NewSigner(private)
	check(err)
	strangers, err := note.NewVerifier(public)
	check(err)
	money := func(members []pair, _ []byte) bool {
		amounts, ok := member(members, fieldAmounts).([]interface{})
		if ok {
			amounts[1] = amounts[1].(uint64) + 100_000
		}
		return ok
	}
	outcome := func(members []pair, _ []byte) bool {
		for at, one := range members {
			if one.key == fieldOutcome {
				members[at].value = "none"
				return true
			}
		}
		return false
	}
	text := func(members []pair, sealed []byte) bool {
		if member(members, fieldOutcome) == nil {
			return false
		}
		sealed[len(sealed)/2] ^= 1
		return true
	}
	for at, change := range []func([]pair, []byte) bool{money, outcome, text} {
		forged := forger{signer: signer}.forge(data, origin, change)
		// Whoever takes the forger's key for the operator's finds nothing wrong: nothing but the signature is.
		check(verifyBundle(forged, note.VerifierList(strangers), origin))
		must(verifyBundle(forged, known, origin) != nil, "forgery %d verifies", at)
		kept := forger{signer: signer, keeps: true}.forge(data, origin, change)
		must(verifyBundle(kept, known, origin) != nil, "forgery %d with the operator's own checkpoints verifies", at)
		for _, one := range [][]byte{forged, kept} {
			check(os.WriteFile(file, one, 0o600))
			// 1: problems; 3: nothing in it is signed by the key.
			server.refused("audit", "verify", file, "--key", vkey)
		}
	}
}

// sameSignatures tells whether two bundles differ only in bits of the end's base64 that stand for nothing.
func sameSignatures(one, other []byte) bool {
	first, err := parseBundle(one)
	check(err)
	second, err := parseBundle(other)
	check(err)
	for at := range first {
		left, right := frame(first[at]), frame(second[at])
		if !bytes.Equal(left, right) && first[at].number != itemEnd {
			return false
		}
	}
	return true
}

// command runs Ombud with an exit code that must come.
func (s *server) command(code int, arguments ...string) string {
	output, err := exec.Command(s.process.Path, arguments...).CombinedOutput()
	must(exitCode(err) == code, "%s: exit code %d\n%s", strings.Join(arguments, " "), exitCode(err), output)
	return string(output)
}

// refused runs Ombud, which must find problems.
func (s *server) refused(arguments ...string) {
	output, err := exec.Command(s.process.Path, arguments...).CombinedOutput()
	must(exitCode(err) == 1 || exitCode(err) == 3, "%s: exit code %d\n%s", strings.Join(arguments, " "), exitCode(err), output)
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	check(err)
	return 0
}
