// The API server's own decision on requests: the first line of stdin is a policy as a JSON text, each further line a
// request. Prints what the policy was refused for ("" when it was not), then a decision for each request.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"

	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

type request struct {
	Verb, User, Resource, Subresource, Group, Namespace, Name, Path string
	Groups                                                          []string
}

type decision struct {
	Level             audit.Level
	OmitStages        []string
	OmitManagedFields bool
}

func main() {
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	in.Buffer(nil, 1<<24)
	in.Scan()
	var text string
	if err := json.Unmarshal(in.Bytes(), &text); err != nil {
		panic(err)
	}
	loaded, err := policy.LoadPolicyFromBytes([]byte(text))
	if err != nil {
		out.Encode(err.Error())
		return
	}
	out.Encode("")
	evaluator := policy.NewPolicyRuleEvaluator(loaded)
	for in.Scan() {
		var asked request
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			panic(err)
		}
		out.Encode(judged(evaluator.EvaluatePolicyRule, asked))
	}
}

func judged[C any](evaluate func(authorizer.Attributes) C, asked request) any {
	attributes := authorizer.AttributesRecord{
		Verb: asked.Verb, Namespace: asked.Namespace, APIGroup: asked.Group, Resource: asked.Resource,
		Subresource: asked.Subresource, Name: asked.Name, Path: asked.Path, ResourceRequest: asked.Resource != "",
	}
	if asked.User != "" {
		attributes.User = &user.DefaultInfo{Name: asked.User, Groups: asked.Groups}
	}
	data, _ := json.Marshal(evaluate(attributes))
	var found decision
	if err := json.Unmarshal(data, &found); err != nil {
		panic(err)
	}
	sort.Strings(found.OmitStages)
	return found
}
