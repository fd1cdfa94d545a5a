// Verifies a ledger with the code that verifies Go's own module log: an opinion that owes nothing to src/ledger.
//
//	main FOLDER VKEY EARLIER-CHECKPOINT RECEIPT WITNESS-VKEY
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight   = 8
	tileWidth    = 1 << tileHeight
	hashesAtOnce = 16 * tileWidth
)

func main() {
	if len(os.Args) != 6 {
		fail(errors.New("usage: main FOLDER VKEY EARLIER-CHECKPOINT RECEIPT WITNESS-VKEY"))
	}
	folder, vkey, earlierFile, receiptFile, witnessKey := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	verifiers := note.VerifierList(logVerifier(vkey), witnessVerifier(witnessKey))
	head := openCheckpoint(readFile(filepath.Join(folder, "checkpoint")), verifiers, 2)
	earlier := openCheckpoint(readFile(earlierFile), verifiers, 1)
	hashes := tlog.TileHashReader(head, tiles{folder})

	entries := checkEntries(folder, head, hashes)
	proven := checkInclusion(head, hashes)
	checkConsistency(earlier, head, hashes)
	checkReceipt(readFile(receiptFile), verifiers)
	fmt.Printf("%d entries, %d inclusion proofs, consistent with %d\n", entries, proven, earlier.N)
}

// checkEntries compares every entry of every bundle with its hash, which the reader has proven against the root.
func checkEntries(folder string, head tlog.Tree, hashes tlog.HashReader) int64 {
	var checked int64
	for first := int64(0); first < head.N; first += hashesAtOnce {
		var indexes []int64
		for index := first; index < head.N && index < first+hashesAtOnce; index++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, index))
		}
		expected, err := hashes.ReadHashes(indexes)
		check(err)
		leaves := readEntries(folder, head.N, first, int64(len(indexes)))
		for offset, leaf := range leaves {
			if tlog.RecordHash(leaf) != expected[offset] {
				fail(fmt.Errorf("entry %d is not the one that was logged", first+int64(offset)))
			}
			checked++
		}
	}
	if checked != head.N {
		fail(fmt.Errorf("%d entries of %d", checked, head.N))
	}
	return checked
}

func readEntries(folder string, size, first, count int64) [][]byte {
	var leaves [][]byte
	for tile := first / tileWidth; tile*tileWidth < first+count; tile++ {
		width := min64(tileWidth, size-tile*tileWidth)
		bundle := readFile(filepath.Join(folder, tilePath("entries", tile, width)))
		for len(bundle) > 0 {
			length := int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	if int64(len(leaves)) != count {
		fail(fmt.Errorf("%d entries from %d on instead of %d", len(leaves), first, count))
	}
	return leaves
}

func checkInclusion(head tlog.Tree, hashes tlog.HashReader) int {
	proven := 0
	for index := int64(0); index < head.N; index += head.N/97 + 1 {
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		check(err)
		proof, err := tlog.ProveRecord(head.N, index, hashes)
		check(err)
		check(tlog.CheckRecord(proof, head.N, head.Hash, index, leaf[0]))
		proven++
	}
	return proven
}

func checkConsistency(earlier, head tlog.Tree, hashes tlog.HashReader) {
	proof, err := tlog.ProveTree(head.N, earlier.N, hashes)
	check(err)
	check(tlog.CheckTree(proof, head.N, head.Hash, earlier.N, earlier.Hash))
}

func checkReceipt(receipt []byte, verifiers note.Verifiers) {
	header, checkpoint, found := bytes.Cut(receipt, []byte("\n\n"))
	lines := strings.Split(string(header), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail(errors.New("the receipt is malformed"))
	}
	leaf := fromBase64(strings.TrimPrefix(lines[1], "extra "))
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	check(err)
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		check(err)
		proof = append(proof, hash)
	}
	head := openCheckpoint(checkpoint, verifiers, 2)
	check(tlog.CheckRecord(proof, head.N, head.Hash, index, tlog.RecordHash(leaf)))
}

// openCheckpoint wants so many signatures by known keys.
func openCheckpoint(text []byte, verifiers note.Verifiers, signatures int) tlog.Tree {
	opened, err := note.Open(text, verifiers)
	check(err)
	if len(opened.Sigs) != signatures || len(opened.UnverifiedSigs) > 0 {
		fail(fmt.Errorf("%d known and %d unknown signatures", len(opened.Sigs), len(opened.UnverifiedSigs)))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		fail(errors.New("the checkpoint has more or less than three lines"))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: root}
}

// tiles reads the layout of c2sp.org/tlog-tiles, which leaves out the height that Go's own paths have.
type tiles struct{ folder string }

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		path := tilePath(strconv.Itoa(tile.L), tile.N, int64(tile.W))
		content, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func tilePath(level string, index, width int64) string {
	path := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		path = fmt.Sprintf("x%03d/%s", index%1000, path)
	}
	if width < tileWidth {
		path += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join("tile", level, path)
}

func logVerifier(vkey string) note.Verifier {
	verifier, err := note.NewVerifier(vkey)
	check(err)
	return verifier
}

// cosigner verifies c2sp.org/tlog-cosignature, which Go's package does not know.
type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func witnessVerifier(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	material := fromBase64(parts[2])
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), material...))
	if material[0] != 4 || hex.EncodeToString(id[:4]) != parts[1] {
		fail(errors.New("the key of the witness is malformed"))
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(id[:4]), material[1:]}
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.id }
func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(c.key, []byte(message), signature[8:])
}

func fromBase64(text string) []byte {
	decoded, err := base64.StdEncoding.DecodeString(text)
	check(err)
	return decoded
}

func readFile(path string) []byte {
	content, err := os.ReadFile(path)
	check(err)
	return content
}

func min64(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
