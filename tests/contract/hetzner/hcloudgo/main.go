// Drives an embedded cloud with hcloud-go, the library that the Terraform and Pulumi providers are made of:
// a server's whole life, with every action waited for. Prints "ok", or what went wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

type driver struct {
	*hcloud.Client
	ctx context.Context
}

func must[T any](value T, _ *hcloud.Response, err error) T {
	if err != nil {
		log.Fatalf("%T: %v", value, err)
	}
	return value
}

func (d driver) wait(actions ...*hcloud.Action) {
	if err := d.Action.WaitFor(d.ctx, actions...); err != nil {
		log.Fatal(err)
	}
}

func (d driver) act(action *hcloud.Action, _ *hcloud.Response, err error) {
	if err != nil {
		log.Fatal(err)
	}
	d.wait(action)
}

func check(holds bool, format string, values ...any) {
	if !holds {
		log.Fatalf(format, values...)
	}
}

func cidr(text string) *net.IPNet {
	_, network, err := net.ParseCIDR(text)
	if err != nil {
		log.Fatal(err)
	}
	return network
}

func main() {
	log.SetFlags(log.Lshortfile)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := hcloud.NewClient(
		hcloud.WithEndpoint(os.Getenv("HCLOUD_ENDPOINT")),
		hcloud.WithToken(os.Getenv("HCLOUD_TOKEN")),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(20 * time.Millisecond)}),
	)
	d := driver{client, ctx}
	network, server := d.server()
	d.volume(server)
	d.balancer(network, server)
	d.errors(server)
	d.end(network, server)
	fmt.Println("ok")
}

func (d driver) server() (*hcloud.Network, *hcloud.Server) {
	serverType := must(d.ServerType.GetByName(d.ctx, "cx23"))
	check(serverType != nil && len(serverType.Locations) == 3, "server type: %+v", serverType)
	image := must(d.Image.GetForArchitecture(d.ctx, "debian-13", hcloud.ArchitectureX86))
	check(image != nil, "no image")
	location := must(d.Location.GetByName(d.ctx, "nbg1"))
	network := must(d.Network.Create(d.ctx, hcloud.NetworkCreateOpts{Name: "go", IPRange: cidr("10.0.0.0/16")}))
	d.act(d.Network.AddSubnet(d.ctx, network, hcloud.NetworkAddSubnetOpts{Subnet: hcloud.NetworkSubnet{
		Type: hcloud.NetworkSubnetTypeCloud, IPRange: cidr("10.0.1.0/24"), NetworkZone: hcloud.NetworkZoneEUCentral,
	}}))
	firewall := must(d.Firewall.Create(d.ctx, hcloud.FirewallCreateOpts{Name: "go", Rules: []hcloud.FirewallRule{{
		Direction: hcloud.FirewallRuleDirectionIn, Protocol: hcloud.FirewallRuleProtocolTCP, Port: hcloud.Ptr("22"),
		SourceIPs: []net.IPNet{*cidr("0.0.0.0/0"), *cidr("::/0")},
	}}}))
	group := must(d.PlacementGroup.Create(d.ctx, hcloud.PlacementGroupCreateOpts{
		Name: "go", Type: hcloud.PlacementGroupTypeSpread,
	}))
	made := must(d.Server.Create(d.ctx, hcloud.ServerCreateOpts{
		Name: "go", ServerType: serverType, Image: image, Location: location, UserData: "#cloud-config\n",
		Labels: map[string]string{"role": "go"}, PlacementGroup: group.PlacementGroup,
		Firewalls: []*hcloud.ServerCreateFirewall{{Firewall: *firewall.Firewall}},
	}))
	d.wait(append(made.NextActions, made.Action)...)
	d.act(d.Server.AttachToNetwork(d.ctx, made.Server, hcloud.ServerAttachToNetworkOpts{
		Network: network, IP: net.ParseIP("10.0.1.5"),
	}))
	d.act(d.Server.ChangeProtection(d.ctx, made.Server, hcloud.ServerChangeProtectionOpts{
		Delete: hcloud.Ptr(true), Rebuild: hcloud.Ptr(true),
	}))
	server := must(d.Server.GetByName(d.ctx, "go"))
	check(server.Status == hcloud.ServerStatusRunning, "status %s", server.Status)
	check(server.PrivateNet[0].IP.String() == "10.0.1.5", "private %v", server.PrivateNet)
	check(server.PublicNet.IPv6.Network.String() != "", "no IPv6 network")
	check(server.PublicNet.Firewalls[0].Status == hcloud.FirewallStatusApplied, "firewall not applied")
	check(server.Protection.Delete && server.Created.Year() > 2000, "%+v", server)
	return network, server
}

func (d driver) volume(server *hcloud.Server) {
	made := must(d.Volume.Create(d.ctx, hcloud.VolumeCreateOpts{
		Name: "go", Size: 10, Server: server, Format: hcloud.Ptr("ext4"),
	}))
	d.wait(append(made.NextActions, made.Action)...)
	volume := must(d.Volume.GetByID(d.ctx, made.Volume.ID))
	check(volume.Server.ID == server.ID && volume.LinuxDevice != "", "%+v", volume)
	d.act(d.Volume.Resize(d.ctx, volume, 20))
	d.act(d.Volume.Detach(d.ctx, volume))
	if _, err := d.Volume.Delete(d.ctx, volume); err != nil {
		log.Fatal(err)
	}
}

func (d driver) balancer(network *hcloud.Network, server *hcloud.Server) {
	made := must(d.LoadBalancer.Create(d.ctx, hcloud.LoadBalancerCreateOpts{
		Name: "go", LoadBalancerType: &hcloud.LoadBalancerType{Name: "lb11"}, Location: &hcloud.Location{Name: "nbg1"},
	}))
	d.wait(made.Action)
	balancer := made.LoadBalancer
	d.act(d.LoadBalancer.AttachToNetwork(d.ctx, balancer, hcloud.LoadBalancerAttachToNetworkOpts{Network: network}))
	d.act(d.LoadBalancer.AddService(d.ctx, balancer, hcloud.LoadBalancerAddServiceOpts{
		Protocol: hcloud.LoadBalancerServiceProtocolHTTP, ListenPort: hcloud.Ptr(80), DestinationPort: hcloud.Ptr(8000),
	}))
	d.act(d.LoadBalancer.AddServerTarget(d.ctx, balancer, hcloud.LoadBalancerAddServerTargetOpts{
		Server: server, UsePrivateIP: hcloud.Ptr(true),
	}))
	balancer = must(d.LoadBalancer.GetByID(d.ctx, balancer.ID))
	status := balancer.Targets[0].HealthStatus[0].Status
	check(status == hcloud.LoadBalancerTargetHealthStatusStatusHealthy, "health %s", status)
	check(balancer.Services[0].HealthCheck.HTTP.Path == "/", "%+v", balancer.Services[0])
	d.act(d.LoadBalancer.RemoveServerTarget(d.ctx, balancer, server))
	if _, err := d.LoadBalancer.Delete(d.ctx, balancer); err != nil {
		log.Fatal(err)
	}
}

// errors are told apart by their codes, which is how the provider decides what to retry and what is gone.
func (d driver) errors(server *hcloud.Server) {
	_, _, err := d.Server.DeleteWithResult(d.ctx, server)
	check(hcloud.IsError(err, hcloud.ErrorCodeProtected), "protected: %v", err)
	_, _, err = d.Server.Create(d.ctx, hcloud.ServerCreateOpts{
		Name: server.Name, ServerType: server.ServerType, Image: server.Image, Location: server.Location,
	})
	check(hcloud.IsError(err, hcloud.ErrorCodeUniquenessError), "unique: %v", err)
	_, _, err = d.Network.Create(d.ctx, hcloud.NetworkCreateOpts{Name: "bad", IPRange: cidr("8.8.8.0/24")})
	check(hcloud.IsError(err, hcloud.ErrorCodeInvalidInput), "invalid: %v", err)
	var wrong hcloud.Error
	check(errors.As(err, &wrong), "%T", err)
	details, ok := wrong.Details.(hcloud.ErrorDetailsInvalidInput)
	check(ok && details.Fields[0].Name == "ip_range", "details: %+v", wrong.Details)
	gone, _, err := d.Server.GetByID(d.ctx, 1)
	check(gone == nil && err == nil, "not found: %v", err)
}

func (d driver) end(network *hcloud.Network, server *hcloud.Server) {
	d.act(d.Server.ChangeProtection(d.ctx, server, hcloud.ServerChangeProtectionOpts{
		Delete: hcloud.Ptr(false), Rebuild: hcloud.Ptr(false),
	}))
	d.act(d.Server.Poweroff(d.ctx, server))
	d.wait(must(d.Server.DeleteWithResult(d.ctx, server)).Action)
	servers, err := d.Server.All(d.ctx)
	check(err == nil && len(servers) == 0, "left: %v %v", servers, err)
	if _, err := d.Network.Delete(d.ctx, network); err != nil {
		log.Fatal(err)
	}
}
