package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const witnessName = "witness.go.test"

// witness is one by c2sp.org/tlog-witness, with cosignature/v1.
type witness struct {
	sync.Mutex
	address string
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	keys    []string
	seen    map[string]tlog.Tree
	// Consistency proofs that held.
	grown int
}

func newWitness() *witness {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	w := &witness{address: listener.Addr().String(), public: public, private: private, seen: map[string]tlog.Tree{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/add-checkpoint", func(answer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		status, text := w.addCheckpoint(string(body))
		if status == 409 {
			answer.Header().Set("content-type", "text/x.tlog.size")
		}
		answer.WriteHeader(status)
		fmt.Fprint(answer, text)
	})
	go http.Serve(listener, mux)
	return w
}

// id is the key's id for signature type 4.
func (w *witness) id() []byte {
	hash := sha256.Sum256(append([]byte(witnessName+"\n\x04"), w.public...))
	return hash[:4]
}

// key is the verifier key.
func (w *witness) key() string {
	key := base64.StdEncoding.EncodeToString(append([]byte{4}, w.public...))
	return fmt.Sprintf("%s+%x+%s", witnessName, w.id(), key)
}

func (w *witness) argument() string {
	return fmt.Sprintf("http://%s=%s", w.address, w.key())
}

func (w *witness) trust(keys []string) {
	w.Lock()
	defer w.Unlock()
	w.keys = keys
}

func message(seconds uint64, text string) []byte {
	return []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", seconds, text))
}

func (w *witness) addCheckpoint(body string) (int, string) {
	w.Lock()
	defer w.Unlock()
	head, checkpoint, found := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	var old int64
	if _, err := fmt.Sscanf(lines[0], "old %d", &old); !found || err != nil {
		return 400, ""
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 400, ""
		}
		proof = append(proof, hash)
	}
	origin, _, _ := strings.Cut(checkpoint, "\n")
	if len(w.keys) == 0 || !strings.HasPrefix(origin, operator+"/") {
		return 404, ""
	}
	opened, err := open(checkpoint, verifiers(w.keys, strings.TrimPrefix(origin, operator+"/")), origin)
	if err != nil {
		return 403, ""
	}
	seen := w.seen[origin]
	if old != seen.N {
		return 409, fmt.Sprintf("%d\n", seen.N)
	}
	switch {
	case old > 0 && old < opened.N:
		if tlog.CheckTree(proof, opened.N, opened.Hash, seen.N, seen.Hash) != nil {
			return 422, ""
		}
		w.grown++
	case len(proof) > 0 || old == opened.N && seen.Hash != opened.Hash:
		return 422, ""
	}
	w.seen[origin] = opened.Tree
	seconds := uint64(time.Now().Unix())
	signature := binary.BigEndian.AppendUint64(append([]byte{}, w.id()...), seconds)
	signature = append(signature, ed25519.Sign(w.private, message(seconds, opened.text))...)
	return 200, fmt.Sprintf("— %s %s\n", witnessName, base64.StdEncoding.EncodeToString(signature))
}

// verifier checks cosignatures as the note package checks signatures.
type verifier struct{ *witness }

func (v verifier) Name() string    { return witnessName }
func (v verifier) KeyHash() uint32 { return binary.BigEndian.Uint32(v.id()) }
func (v verifier) Verify(text, signature []byte) bool {
	return len(signature) == 72 && ed25519.Verify(v.public, message(binary.BigEndian.Uint64(signature), string(text)), signature[8:])
}

func checkWitness(server *server, w *witness, keys []string) {
	// The log's own key and the witness's must both have signed.
	for try := 0; ; try++ {
		text, status := server.get("/ledger/checkpoint")
		must(status == 200, "no checkpoint: status %d", status)
		opened, err := note.Open(text, note.VerifierList(verifier{w}))
		w.Lock()
		grown := w.grown
		w.Unlock()
		if err == nil && grown > 0 {
			must(len(opened.Sigs) == 1 && len(opened.UnverifiedSigs) >= 1, "the cosigned checkpoint lacks a signature")
			_, err = open(string(text), verifiers(keys, merchant), operator+"/"+merchant)
			check(err)
			at := bytes.Index(text, []byte(witnessName)) + len(witnessName) + 20
			changed := append([]byte{}, text...)
			changed[at] ^= 1
			_, err = note.Open(changed, note.VerifierList(verifier{w}))
			must(err != nil, "a changed cosignature holds")
			return
		}
		must(try < 150, "no cosignature: %v, %d proofs", err, grown)
		if try%20 == 19 {
			// Something to cosign.
			server.send(1)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// strangersKey is an operator's key that has signed nothing.
func strangersKey() string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	text, err := note.NewEd25519VerifierKey(operator, public)
	check(err)
	return text
}
