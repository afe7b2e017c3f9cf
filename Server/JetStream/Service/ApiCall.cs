using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>A request of the API, copied out of its publisher's batch, and its answer.</summary>
internal sealed class ApiCall
{
    private readonly JetStreamService _service;
    private readonly Account _answers;

    /// <param name="service">The API.</param>
    /// <param name="account">The requestor's.</param>
    /// <param name="message">Copied.</param>
    /// <param name="operation">What is asked for; null: no such request.</param>
    /// <param name="client">Who asks; null: nobody to speak of.</param>
    /// <param name="answers">The account the request came through; null: the requestor's own.</param>
    public ApiCall(JetStreamService service, Account account, in Message message, ApiOperation? operation, ClientInfo? client, Account? answers = null)
    {
        _service = service;
        _answers = answers ?? account;
        Account = account;
        Subject = Encoding.UTF8.GetString(message.Subject);
        Reply = message.Reply.ToArray();
        Headers = message.Header.ToArray();
        Payload = message.Payload.ToArray();
        Operation = operation;
        Client = client;
    }

    /// <summary>The requestor's.</summary>
    public Account Account { get; }

    /// <summary>What is asked for; null: no such request.</summary>
    public ApiOperation? Operation { get; }

    public string Subject { get; }

    /// <summary>Empty: nobody waits for an answer.</summary>
    public byte[] Reply { get; }

    public byte[] Headers { get; }

    public byte[] Payload { get; }

    /// <summary>Who asks; null: nobody to speak of.</summary>
    public ClientInfo? Client { get; }

    /// <summary>The subject without a domain.</summary>
    public byte[] LocalSubject { get; init; } = [];

    /// <summary>The stream, consumer or account named in the subject.</summary>
    public string First { get; init; } = "";

    /// <summary>The consumer named in the subject.</summary>
    public string Second { get; init; } = "";

    /// <summary>What follows the names.</summary>
    public string Tail { get; init; } = "";

    /// <summary>Whether this server's API level suffices.</summary>
    public bool IsServed => !HeaderBlock.TryGet(Headers, ApiLevel.RequiredHeader, out var level) || ApiLevel.Serves(level);

    private string ResponseType => Operation?.ResponseType is { Length: > 0 } type ? type : ResponseTypes.System;

    /// <summary>Answers at once.</summary>
    public void Answer(object response)
    {
        var outbox = new Outbox();
        Write(outbox, response, isError: false);
        _service.Send(Account, outbox);
    }

    /// <summary>Answers at once, without a word to those who listen for answers: messages read are none of theirs.</summary>
    public void AnswerUncounted(object response)
    {
        if (Reply.Length == 0) return;
        var outbox = new Outbox();
        Add(outbox, JetStreamJson.Write(response));
        _service.Send(Account, outbox);
    }

    /// <summary>Answers at once with JSON that is written already.</summary>
    public void AnswerJson(byte[] json)
    {
        var outbox = new Outbox();
        Write(outbox, json, isError: false);
        _service.Send(Account, outbox);
    }

    /// <summary>Answers at once that it cannot be.</summary>
    public void Fail(ApiError error)
    {
        var outbox = new Outbox();
        Write(outbox, ApiFailure.Of(ResponseType, error), isError: true);
        _service.Send(Account, outbox);
    }

    /// <summary>Answers when what the stream has proposed so far is durable; in its mailbox.</summary>
    public void AnswerBehind(StreamHost stream, object response) => Write(stream.Outgoing, response, isError: false);

    private void Write(Outbox outbox, object response, bool isError) => Write(outbox, JetStreamJson.Write(response), isError);

    private void Write(Outbox outbox, byte[] json, bool isError)
    {
        _service.Count(Account, isError);
        if (Reply.Length > 0) Add(outbox, json);
        _service.Audit(outbox, this, json);
    }

    private void Add(Outbox outbox, byte[] json)
    {
        if (ReferenceEquals(_answers, Account)) outbox.Add(Reply, default, default, json);
        else outbox.AddElsewhere(_answers, Reply, json);
    }
}
