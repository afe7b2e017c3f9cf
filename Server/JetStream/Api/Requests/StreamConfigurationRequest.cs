using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary><c>STREAM.CREATE</c> and <c>STREAM.UPDATE</c>: a configuration, and how strictly to take it.</summary>
public sealed record StreamConfigurationRequest : IApiRequest<StreamConfigurationRequest>
{
    public StreamConfiguration Stream { get; init; } = new();

    /// <summary>Refuse what would be corrected.</summary>
    public bool Pedantic { get; init; }

    static StreamConfigurationRequest IApiRequest<StreamConfigurationRequest>.Read(ref ApiReader reader, StreamConfigurationRequest request)
    {
        if (!reader.Enter("StreamConfigRequest", "StreamConfig")) return request;
        while (reader.Next(out var field))
        {
            if (field == "pedantic")
            {
                reader.FieldIsOwn();
                request = request with { Pedantic = reader.Bool(request.Pedantic) };
            }
            else
            {
                request = request with { Stream = request.Stream.ReadField(ref reader, field) };
            }
        }
        return request;
    }
}
